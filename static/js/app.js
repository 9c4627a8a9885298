// Everything here only adds comfort: each page works without it.
import { startKeys } from "./keys.js";
import { startSelection } from "./select.js";

startKeys(document);
startSelection(document);
document.querySelector("[data-focus]")?.focus();
document.addEventListener("htmx:afterSwap", (event) => startSelection(event.target));
