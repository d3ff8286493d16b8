// Parts of pages that renew themselves, or that somebody has asked for: what htmx does not do for them by itself.
//
// - An answer that does not come leaves what is shown, and a line says since when it is old, or what to do. A part that
//   says so itself has data-lost.
// - Whoever has been logged out meanwhile is told so, rather than shown a login form in the middle of a page. They log in
//   in another window, and this page takes the new token and keeps what was typed.
// - What has the focus keeps it, and what is unfolded stays unfolded, when the part is replaced.
// - The chart takes its figures from the part, and its colours from the theme.
(() => {
  "use strict";

  const isRenewed = (part) => (part?.getAttribute("hx-trigger") || "").startsWith("every");
  const words = () => JSON.parse(document.getElementById("sms-words").textContent);
  const time = () => new Date().toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const answeredAt = new WeakMap();
  const opened = time();

  const place = (part) => part.closest("ul, ol, table") || part;
  const before = (part) => place(part).previousElementSibling;
  const speaksItself = (part) => part?.dataset.lost !== undefined;

  function line(part) {
    const found = before(part);
    if (found && found.classList.contains("sms-stale")) {
      return found;
    }
    const made = document.createElement("p");
    made.className = "sms-note sms-note-warning sms-stale";
    made.setAttribute("role", "status");
    made.dataset.testid = "stale";
    place(part).before(made);
    return made;
  }

  function say(part, text, link) {
    const said = line(part);
    if (said.dataset.text !== text) {
      said.dataset.text = text;
      said.textContent = text;
      if (link) {
        said.append(" ", link);
      }
    }
    said.hidden = false;
    if (!isRenewed(part)) {
      said.scrollIntoView({ block: "nearest" });
    }
  }

  function loginLink(inAnotherWindow) {
    const login = document.createElement("a");
    login.className = "sms-link";
    login.href = location.href;
    login.textContent = words().login;
    if (inAnotherWindow) {
      login.target = "_blank";
    }
    return login;
  }

  function answered(part) {
    answeredAt.set(part, time());
    const said = before(part);
    if (said && said.classList.contains("sms-stale")) {
      said.hidden = true;
      said.dataset.text = said.textContent = "";
    }
  }

  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    const { target, xhr } = detail;
    const part = target?.isConnected ? target : target?.id && document.getElementById(target.id);
    if (detail.successful && part && !xhr.smshubElsewhere) {
      answered(part);
    }
  });

  // Not an answer that was given up for another request.
  for (const failure of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
    document.addEventListener(failure, ({ detail }) => {
      const part = detail.target;
      if (!part || speaksItself(part)) {
        return;
      }
      if (!isRenewed(part)) {
        const status = detail.xhr.status;
        say(part, status === 403 ? words().refused : status ? words().failed : words().lost);
      } else if (detail.xhr.status === 403) {
        say(part, words().gone);
      } else {
        const since = answeredAt.get(part) || opened;
        say(part, words().stale.replace("{time}", since));
      }
    });
  }

  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, target, pathInfo } = event.detail;
    if (!xhr.responseURL || !target || speaksItself(target)) {
      return;
    }
    const asked = new URL(pathInfo.requestPath, location.href).pathname;
    const came = new URL(xhr.responseURL).pathname;
    // What somebody asked for may lead to another part; what renews itself may not.
    const byHand = !isRenewed(target);
    if (byHand ? came === words().loginPage : came !== asked) {
      event.detail.shouldSwap = false;
      xhr.smshubElsewhere = true;
      say(target, byHand ? words().notDone : words().out, loginLink(byHand));
    }
  });

  // Whoever has logged in again has a new token, in this window's forms too.
  addEventListener("focus", () => {
    const token = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1];
    for (const field of token ? document.querySelectorAll("[name=csrfmiddlewaretoken]") : []) {
      field.value = token;
    }
  });

  // --- what the reader was doing ---

  const name = (element) => element.id || element.getAttribute("href") || element.dataset.testid || "";
  let focused = "";
  let unfolded = [];

  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    const inside = detail.target && detail.target.contains(document.activeElement);
    focused = inside ? name(document.activeElement) : "";
    unfolded = detail.target ? [...detail.target.querySelectorAll("details[open][id]")].map((one) => one.id) : [];
  });

  document.addEventListener("htmx:afterSwap", ({ detail }) => {
    for (const id of unfolded) {
      document.getElementById(id)?.setAttribute("open", "");
    }
    if (focused && !detail.target.contains(document.activeElement)) {
      const again = [...detail.target.querySelectorAll("a, button, summary, input")].find((one) => name(one) === focused);
      again?.focus({ preventScroll: true });
    }
    draw();
  });

  // What is read aloud when it changes is left alone while it does not.
  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    const { target, fragment } = event.detail;
    if (target.textContent.trim() === fragment.textContent.trim()) {
      event.detail.shouldSwap = false;
    }
  });

  // --- the chart ---

  let chart = null;

  function colours() {
    const style = getComputedStyle(document.documentElement);
    const of = (variable) => style.getPropertyValue(variable).trim();
    return { accepted: of("--sms-blue"), other: of("--sms-amber"), text: of("--sms-quiet"), line: of("--sms-line") };
  }

  function paint(shown) {
    const { accepted, other, text, line: grid } = colours();
    const [first, second] = shown.data.datasets;
    first.backgroundColor = accepted;
    second.backgroundColor = other;
    for (const axis of Object.values(shown.options.scales)) {
      axis.ticks.color = text;
      axis.grid.color = grid;
      if (axis.title) axis.title.color = text;
      axis.border = { color: grid };
    }
    shown.options.plugins.legend.labels.color = text;
  }

  function made(canvas) {
    const axis = { stacked: true, ticks: {}, grid: {} };
    return new Chart(canvas, {
      type: "bar",
      data: { labels: [], datasets: [{ label: words().accepted, data: [] }, { label: words().other, data: [] }] },
      options: {
        animation: false,
        maintainAspectRatio: false,
        interaction: { mode: "index", intersect: false },
        plugins: { legend: { position: "bottom", labels: { boxWidth: 12 } } },
        scales: {
          x: { ...axis, title: { display: true, text: canvas.dataset.zone }, ticks: { maxRotation: 0, autoSkipPadding: 24 }, grid: { display: false } },
          y: { ...axis, beginAtZero: true, ticks: { precision: 0 }, grid: {} },
        },
      },
    });
  }

  function draw() {
    const canvas = document.getElementById("flow-chart");
    const told = document.getElementById("flow-data");
    if (!canvas || !told || typeof Chart === "undefined") {
      return;
    }
    const { labels, accepted, other } = JSON.parse(told.textContent);
    chart = chart || made(canvas);
    chart.data.labels = labels;
    chart.data.datasets[0].data = accepted;
    chart.data.datasets[1].data = other;
    paint(chart);
    chart.update();
  }

  document.addEventListener("DOMContentLoaded", () => {
    draw();
    new MutationObserver(draw).observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });
  });
})();
