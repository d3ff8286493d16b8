// The theme that was chosen in the menu, which unfold keeps in the browser; else the machine's.
(() => {
  "use strict";

  const kept = (localStorage.getItem("adminTheme") || "").replaceAll('"', "");
  const dark = kept === "dark" || (kept !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.classList.toggle("dark", dark);
})();
