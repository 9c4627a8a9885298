// "Select all" and the count of chosen rows, in forms marked data-select.
function watch(form) {
  const all = form.querySelector("[data-select-all]");
  const out = form.querySelector("[data-selected]");
  const boxes = () => [...form.querySelectorAll("tbody input[type=checkbox]")];
  const show = () => {
    const chosen = boxes().filter((box) => box.checked).length;
    if (all) {
      all.checked = chosen > 0 && chosen === boxes().length;
      all.indeterminate = chosen > 0 && !all.checked;
    }
    if (out) out.textContent = chosen ? `${chosen} selected` : "";
  };
  form.addEventListener("change", (event) => {
    if (event.target === all) for (const box of boxes()) box.checked = all.checked;
    show();
  });
  show();
}

export function startSelection(root) {
  for (const form of root.querySelectorAll("form[data-select]:not([data-watched])")) {
    form.dataset.watched = "";
    watch(form);
  }
}
