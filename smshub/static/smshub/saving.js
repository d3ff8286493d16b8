// A form that saves itself says when it could not, and tries again: what was typed stays on the page meanwhile.
// Its words stand at the place where it says "saved": data-lost for no answer, data-gone for whoever was logged out. They
// log in again in another window, and this page saves.
(() => {
  "use strict";

  const AGAIN_MS = 3000;
  let again = 0;

  function say(place, words, link) {
    const said = document.createElement("span");
    said.className = "sms-wrong";
    said.dataset.testid = "not-saved";
    said.textContent = words;
    if (link) {
      const login = document.createElement("a");
      login.className = "sms-link";
      login.href = location.href;
      login.target = "_blank";
      login.textContent = link;
      said.append(" ", login);
    }
    place.replaceChildren(said);
  }

  // By then live.js, which is loaded first, has put the new token into the form.
  addEventListener("focus", () => {
    const login = document.querySelector("#saved a[target=_blank]");
    if (login) {
      htmx.trigger(login.closest("form"), "change");
    }
  });

  for (const failure of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
    document.addEventListener(failure, ({ detail }) => {
      if (detail.target.id === "saved") {
        say(detail.target, detail.target.dataset.lost);
        clearTimeout(again);
        again = setTimeout(() => htmx.trigger(detail.elt, "change"), AGAIN_MS);
      }
    });
  }

  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, target, pathInfo } = event.detail;
    if (target.id !== "saved" || !xhr.responseURL) {
      return;
    }
    if (new URL(xhr.responseURL).pathname !== new URL(pathInfo.requestPath, location.href).pathname) {
      event.detail.shouldSwap = false;
      say(target, target.dataset.gone, target.dataset.login);
    }
  });
})();
