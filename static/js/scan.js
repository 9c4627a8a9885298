// A hand scanner ends each number with Enter: go to the next field of its kind, and from the
// last one to the button; nothing is sent by a scan.
for (const kind of ["article", "card"]) {
  const fields = [...document.querySelectorAll(`[data-scan="${kind}"]`)];
  for (const [place, field] of fields.entries()) {
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      const next = fields.slice(place + 1).find((other) => other.value === "");
      (next ?? field.form.querySelector("button.primary")).focus();
    });
  }
}
