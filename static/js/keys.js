// j, k, Enter, o, c, p, x, b, / and ?; each person can switch them off in the profile.
const TYPING = "input, select, textarea, [contenteditable]";

const rowLinks = (root) => [...root.querySelectorAll("table[data-keys] tbody th a, table[data-keys] tbody td a[data-row]")];

function move(root, step) {
  const links = rowLinks(root);
  if (!links.length) return;
  const row = root.activeElement?.closest("tr");
  const now = links.findIndex((link) => link.closest("tr") === row);
  const next = now < 0 ? (step > 0 ? 0 : links.length - 1) : Math.min(Math.max(now + step, 0), links.length - 1);
  links[next].focus();
  links[next].scrollIntoView({ block: "nearest" });
}

// The row in hand says where its calls and promises are noted, else the page does.
function follow(root, name) {
  const place = root.activeElement?.closest(`tr[data-${name}]`) ?? root.querySelector(`main[data-${name}]`);
  if (place) window.location.assign(place.dataset[name]);
}

// Ticks the row in hand; who listens for changes of the form hears of it.
function pick(root) {
  const box = root.activeElement?.closest("tr")?.querySelector("input[type=checkbox]");
  if (!box) return;
  box.checked = !box.checked;
  box.dispatchEvent(new Event("change", { bubbles: true }));
}

const actions = {
  j: (root) => move(root, 1),
  k: (root) => move(root, -1),
  c: (root) => follow(root, "call"),
  p: (root) => follow(root, "promise"),
  o: (root) => follow(root, "do"),
  x: (root) => pick(root),
  b: (root) => root.querySelector("[data-bulk]")?.focus(),
  "/": (root) => root.querySelector("input[type=search]")?.focus(),
  "?": (root) => root.getElementById("keys")?.showModal(),
};

export function startKeys(root) {
  if (root.body.dataset.shortcuts !== "on") return;
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest(TYPING)) return;
    if (root.querySelector("dialog[open]")) return;
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action(root);
  });
}
