// What pages do beyond links and forms. Everything here makes a page quicker; nothing needs it.
"use strict";

// "/" goes to the search box from everywhere but a field.
document.addEventListener("keydown", (event) => {
  const at = document.activeElement;
  const typing = at && (at.matches("input, textarea, select") || at.isContentEditable);
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const box = document.querySelector("[data-search]");
    if (box) {
      event.preventDefault();
      box.focus();
      box.select();
    }
  }
  if (event.key === "Escape") {
    for (const menu of document.querySelectorAll("details[data-menu][open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  }
});

// A menu closes when one goes elsewhere.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

// A choice that is applied at once; without a script there is a button beside it.
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
});

// What cannot be undone is asked for once more, in a dialog that the page brings along.
document.addEventListener("submit", (event) => {
  const asked = event.target.dataset.confirm;
  const dialog = asked && document.getElementById(asked);
  if (!dialog || dialog.returnValue === "yes") return;
  event.preventDefault();
  const form = event.target;
  const by = event.submitter;
  dialog.addEventListener("close", () => {
    if (dialog.returnValue === "yes") form.requestSubmit(by);
    dialog.returnValue = "";
  }, { once: true });
  dialog.showModal();
});

// Copies what a button names.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  await navigator.clipboard.writeText(source.value ?? source.textContent.trim());
  button.dataset.copied = "yes";
});

// Prints the page.
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});

// What went wrong is where the reader is at once.
function attend() {
  document.querySelector("[data-focus]")?.focus();
  document.documentElement.dataset.script = "yes";
}
attend();
