// The inbox by keyboard, and what its page does for whoever answers.
//
// - Alt+↓ and Alt+↑ go to the next and the previous conversation, Alt+R to the answer; Ctrl+Enter sends it.
// - A canned reply is put where the cursor is, and does away with nothing that was typed.
// - The newest texts are in view, and stay there when another comes; whoever reads further up is left there.
(() => {
  "use strict";

  const answer = () => document.getElementById("id_body");
  const thread = () => document.getElementById("thread");

  function go(step) {
    const lines = [...document.querySelectorAll(".sms-inbox-line")];
    const here = lines.findIndex((line) => line.getAttribute("aria-current") === "page");
    lines[here < 0 ? 0 : here + step]?.click();
  }

  document.addEventListener("keydown", (event) => {
    if (event.altKey && !event.ctrlKey && !event.metaKey) {
      const does = { ArrowDown: () => go(1), ArrowUp: () => go(-1), KeyR: () => answer()?.focus() }[event.code];
      if (does) {
        event.preventDefault();
        does();
      }
    } else if ((event.ctrlKey || event.metaKey) && event.key === "Enter" && event.target === answer()) {
      event.preventDefault();
      event.target.form.querySelector("button[type=submit]:not(:disabled)")?.click();
    }
  });

  document.addEventListener("change", ({ target }) => {
    const text = answer();
    if (target.id !== "canned" || !target.value || !text) {
      return;
    }
    text.setRangeText(target.value, text.selectionStart, text.selectionEnd, "end");
    target.value = "";
    text.focus();
    text.dispatchEvent(new Event("input", { bubbles: true }));
  });

  const atEnd = (part) => part.scrollHeight - part.scrollTop - part.clientHeight < 40;
  const toEnd = (part) => {
    part.scrollTop = part.scrollHeight;
  };
  let follows = true;

  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (detail.target.id === "thread") {
      follows = atEnd(detail.target);
    }
  });
  document.addEventListener("htmx:afterSwap", ({ detail }) => {
    if (detail.target.id === "thread" && follows) {
      toEnd(detail.target);
    }
  });
  document.addEventListener("DOMContentLoaded", () => {
    // After an answer: where it was written, for the next.
    if (location.hash === "#id_body") {
      answer()?.focus();
    }
    if (thread() && !new URLSearchParams(location.search).has("before")) {
      toEnd(thread());
    }
  });
})();
