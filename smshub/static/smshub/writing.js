// Buttons beside a text that is being written: each changes it as if somebody had typed that.
//
// - data-insert="name" data-into="id": a variable where the cursor is: in the text that was written in last, else in this
// - data-append="words" data-into="id": a sentence at the end
// - data-replace="x" data-by="y" data-in="id": one character for another, wherever it stands
(() => {
  "use strict";

  function typed(field, text, at) {
    field.value = text;
    field.focus();
    field.setSelectionRange(at, at);
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  let last = null;
  document.addEventListener("focusin", ({ target }) => {
    last = target.matches("textarea") ? target : target.matches("input, select") ? null : last;
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-insert], button[data-append], button[data-replace]");
    const named = button && document.getElementById(button.dataset.into || button.dataset.in);
    if (!named) {
      return;
    }
    const { insert, append, replace, by } = button.dataset;
    const field = insert && last?.isConnected && last.form === named.form ? last : named;
    const { value, selectionStart, selectionEnd } = field;
    if (insert) {
      const variable = `{{ ${insert} }}`;
      typed(field, value.slice(0, selectionStart) + variable + value.slice(selectionEnd), selectionStart + variable.length);
    } else if (append) {
      const before = value.trimEnd();
      const gap = !before || /[.!?…:]$/.test(before) ? " " : ". ";
      const whole = (before + gap + append).trimStart();
      typed(field, whole, whole.length);
    } else {
      typed(field, value.replaceAll(replace, by), selectionStart);
    }
  });
})();
