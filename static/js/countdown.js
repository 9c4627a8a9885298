// <time datetime="…" data-countdown>in 2 h 10 min</time> counts down; without this it stays as written.
const moments = [...document.querySelectorAll("[data-countdown]")];

function said(seconds) {
  if (seconds <= 0) return "now";
  const days = Math.floor(seconds / 86400);
  if (days >= 2) return `in ${days} days`;
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  if (hours) return `in ${hours} h ${minutes} min`;
  return minutes ? `in ${minutes} min ${Math.floor(seconds % 60)} s` : `in ${Math.floor(seconds)} s`;
}

function tick() {
  for (const moment of moments) {
    moment.textContent = said((Date.parse(moment.dateTime) - Date.now()) / 1000);
  }
}

if (moments.length) {
  tick();
  setInterval(tick, 1000);
}
