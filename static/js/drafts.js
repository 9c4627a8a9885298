// What was typed outlives an idle log-out: it is kept in this tab until it is saved.
const KEY = "draft:";
const SKIPPED = ["password", "file", "hidden", "search", "submit", "button"];

const fieldsOf = (form) => [...form.elements].filter((field) => field.name && !SKIPPED.includes(field.type));

function keep(form) {
  const values = {};
  for (const field of fieldsOf(form)) {
    const on = field.type === "checkbox" || field.type === "radio" ? field.checked : field.value;
    if (field.type !== "radio" || on) values[field.name] = field.type === "radio" ? field.value : on;
  }
  sessionStorage.setItem(KEY + window.location.pathname, JSON.stringify(values));
}

function fill(form, values) {
  let filled = false;
  for (const field of fieldsOf(form).filter((each) => each.name in values)) {
    const value = values[field.name];
    const name = field.type === "checkbox" || field.type === "radio" ? "checked" : "value";
    const next = field.type === "radio" ? field.value === value : value;
    filled ||= field[name] !== next;
    field[name] = next;
  }
  return filled;
}

export function startDrafts(root) {
  const form = root.querySelector("main form.form[method=post]");
  const path = KEY + window.location.pathname;
  const settled = root.querySelector(".message.success, .error-summary");
  const draft = sessionStorage.getItem(path);
  // A saved form needs no draft; one sent back with errors carries its own values.
  if (settled || !form) for (const key of Object.keys(sessionStorage)) if (key.startsWith(KEY)) sessionStorage.removeItem(key);
  if (!form) return;
  if (draft && !settled && fill(form, JSON.parse(draft))) {
    const note = root.createElement("p");
    note.className = "message";
    note.setAttribute("role", "status");
    note.textContent = "What you typed here before is filled in again. It is not saved yet.";
    form.before(note);
  }
  form.addEventListener("input", () => keep(form));
  for (const leave of root.querySelectorAll("form[action*=logout]")) leave.addEventListener("submit", () => sessionStorage.clear());
}
