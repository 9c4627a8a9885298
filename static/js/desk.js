// The call desk by keyboard: each letter that stands beside an outcome chooses it, Enter saves.
// Everything here only saves hands: the page is a plain form without it.
const WRITING = "input:not([type=radio], [type=checkbox], [type=hidden]), select, textarea, [contenteditable]";

const form = document.querySelector("[data-desk]");
const keysOn = document.body.dataset.shortcuts === "on";
const boxes = () => [...form.querySelectorAll("input[name=items]")];

function save() {
  form.requestSubmit(form.querySelector("[data-save]"));
}

function sums() {
  const found = {};
  for (const box of boxes().filter((each) => each.checked)) {
    const cents = Math.round(Number(box.dataset.amount) * 100);
    found[box.dataset.currency] = (found[box.dataset.currency] ?? 0) + cents;
  }
  const money = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2 });
  return Object.entries(found).map(([code, cents]) => [code, money.format(cents / 100)]);
}

// What is ticked, and with it what a promise without an amount means.
function showTicked() {
  const found = sums();
  const out = form.querySelector("[data-ticked]");
  if (out) out.textContent = found.map(([code, text]) => `${code} ${text}`).join(", ") || "None ticked: all that is overdue";
  const amount = form.querySelector("input[name=promise-amount]");
  if (amount) amount.placeholder = found.length === 1 ? found[0][1] : "";
}

// The consequence stands beside the button too, and the first thing it asks for is in hand.
function chosen(radio) {
  const asks = radio.closest(".outcome").querySelector(".asks");
  document.getElementById("consequence").textContent = asks.querySelector(".hint").textContent;
  if (radio.value === "disputes" && boxes().length > 1 && boxes().every((box) => box.checked === "overdue" in box.dataset)) {
    for (const box of boxes()) box.checked = false;
    showTicked();
  }
  return asks.querySelector("input, select, textarea") ?? form.querySelector("[data-save]");
}

function press(target) {
  if (target.matches("input[name=outcome]")) {
    target.checked = true;
    const next = chosen(target);
    next.focus();
    next.select?.();
    return;
  }
  if (target.matches("summary")) {
    target.parentElement.open = true;
    target.parentElement.querySelector("select, input:not([type=hidden])")?.focus();
    return;
  }
  target.click();
}

function tickAll() {
  const on = boxes().some((box) => !box.checked);
  for (const box of boxes()) box.checked = on;
  showTicked();
}

// Here a letter is an outcome first, and only then what it is on every page.
document.addEventListener("keydown", (event) => {
  const writing = event.target.closest(WRITING);
  if (event.key === "Enter" && form && (form.contains(event.target) || event.target === document.body)) {
    const plain = !event.target.closest("textarea, button, a, summary");
    if ((plain || event.ctrlKey) && form.querySelector("input[name=outcome]:checked")) {
      event.preventDefault();
      save();
    }
    return;
  }
  if (event.key === "Escape" && writing) return writing.blur();
  if (!keysOn || writing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.key === "0" && form) return tickAll();
  if (event.key === "." && form) {
    event.preventDefault();
    return form.querySelector("textarea[name=note]")?.focus();
  }
  const target = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!target) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  press(target);
}, { capture: true });

if (form) {
  form.classList.add("by-key");
  for (const hint of form.querySelectorAll("[data-need-script]")) hint.hidden = !keysOn;
  form.addEventListener("change", (event) => {
    if (event.target.name === "outcome") chosen(event.target);
    if (event.target.name === "items") showTicked();
  });
  // One press, one call: the button says that it works.
  form.addEventListener("submit", () => setTimeout(() => form.setAttribute("aria-busy", "true")));
  showTicked();
  const before = form.querySelector("input[name=outcome]:checked");
  if (before) chosen(before);
}

// The line that offers to undo goes when its minute is over.
for (const line of document.querySelectorAll(".undo[data-until]")) {
  setTimeout(() => line.remove(), Math.max(new Date(line.dataset.until) - Date.now(), 0));
}
