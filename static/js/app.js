// Everything here only adds comfort: each page works without it.
import { startDrafts } from "./drafts.js";
import { startKeys } from "./keys.js";
import { startSelection } from "./select.js";

startKeys(document);
startDrafts(document);
startSelection(document);
document.querySelector("[data-focus]")?.focus();
document.addEventListener("htmx:afterSwap", (event) => startSelection(event.target));
