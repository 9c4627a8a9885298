// A hand scanner ends each number with Enter: go to the next field, send only from the last.
const fields = [...document.querySelectorAll("[data-scan]")];

for (const [place, field] of fields.entries()) {
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    const next = fields.slice(place + 1).find((other) => other.value === "");
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
}
