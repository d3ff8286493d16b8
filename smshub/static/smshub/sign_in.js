// Whoever opens the page begins to type: the browser's own autofocus comes before the theme has shown the form.
window.addEventListener("load", () => {
  if (document.activeElement === document.body) {
    document.querySelector("[autofocus]")?.focus();
  }
});
