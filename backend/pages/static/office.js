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

// A form that makes something is sent once, however often its button is pressed; the server would do it once all the same.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.dataset.once === undefined || event.submitter?.formNoValidate) return;
  if (form.dataset.once === "sent") event.preventDefault();
  form.dataset.once = "sent";
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("[data-once=sent]")) form.dataset.once = "";
});

// Whoever types a text sends it with Control and Enter: Enter alone is a new line of it.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.matches("form textarea")) {
    event.preventDefault();
    event.target.form.requestSubmit(event.target.form.querySelector("button:not([formnovalidate])"));
  }
});

// From a field that finds things to what it found, and through that, by arrow keys; Enter takes the first.
document.addEventListener("keydown", (event) => {
  const list = event.target.dataset?.choices ?? (event.target.closest("#found, #quick") ? event.target.closest("#found, #quick").id : null);
  if (!list) return;
  const found = [...document.getElementById(list).querySelectorAll("button, a")];
  const at = found.indexOf(event.target);
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const next = found[at + (event.key === "ArrowDown" ? 1 : -1)];
    const field = document.querySelector(`[data-choices="${list}"]`);
    if (next ?? (at === 0 ? field : null)) {
      event.preventDefault();
      (next ?? field).focus();
    }
  } else if (event.key === "Enter" && at < 0 && event.target.name === "who" && found.length) {
    event.preventDefault();
    found[0].click();
  }
});

// What was found goes away with Escape, and when one goes elsewhere.
function closeQuick() {
  document.getElementById("quick")?.replaceChildren();
}
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.closest(".find")) {
    closeQuick();
    document.querySelector("[data-search]").focus();
  }
});
document.addEventListener("focusin", (event) => {
  if (!event.target.closest(".find")) closeQuick();
});
document.addEventListener("click", (event) => {
  if (!event.target.closest(".find")) closeQuick();
  if (event.target.closest("[data-print]")) window.print();
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

// How long something still lasts, counted from when the page came: the reader's own clock may be off.
function countDown() {
  for (const timer of document.querySelectorAll("[data-left]")) {
    const seconds = Math.floor((Number(timer.dataset.left) - performance.now()) / 1000);
    const two = String(Math.max(0, seconds) % 60).padStart(2, "0");
    timer.textContent = seconds > 0 ? `${Math.floor(seconds / 60)}:${two}` : timer.dataset.over;
  }
}
if (document.querySelector("[data-left]")) {
  countDown();
  setInterval(countDown, 1000);
}

// What went wrong is where the reader is at once.
function attend() {
  for (const button of document.querySelectorAll("[data-print]")) button.hidden = false;
  document.querySelector("[data-focus]")?.focus();
  document.documentElement.dataset.script = "yes";
}
attend();
