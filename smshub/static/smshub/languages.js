// Texts in other languages: rows below the text for everybody, each made from the pattern beside them. A row that is taken
// away is not posted, which is how the server learns of it.
(() => {
  "use strict";

  function add(section) {
    const total = section.querySelector("[name$=-TOTAL_FORMS]");
    const row = section.querySelector("template").innerHTML.replaceAll("__prefix__", total.value);
    const rows = section.querySelector("[data-rows]");
    rows.insertAdjacentHTML("beforeend", row);
    total.value = Number(total.value) + 1;
    rows.lastElementChild.querySelector("input").focus();
    limit(section);
  }

  function remove(row) {
    const section = row.closest("[data-languages]");
    row.remove();
    limit(section);
    section.querySelector("summary").focus();
    section.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function limit(section) {
    const rows = section.querySelectorAll("[data-rows] > [data-language]").length;
    section.querySelector("[data-add-language]").hidden = rows >= Number(section.dataset.most);
  }

  document.addEventListener("click", ({ target }) => {
    const section = target.closest("[data-add-language]")?.closest("[data-languages]");
    const row = target.closest("[data-remove-language]")?.closest("[data-language]");
    if (section) {
      add(section);
    } else if (row) {
      remove(row);
    }
  });
})();
