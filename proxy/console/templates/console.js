(() => {
  "use strict";
  const lang = document.documentElement.lang.startsWith("zh") ? "zh" : "en";
  const state = document.getElementById("live-state");
  const pause = document.getElementById("live-pause");
  let stream = null;
  let paused = false;

  const show = (what) => {
    state.hidden = false;
    state.dataset.is = what;
    if (state.textContent !== state.dataset[what]) state.textContent = state.dataset[what];
  };

  // Rows stay the same elements while their key is shown, so focus and what was opened survive an update.
  const merge = (body, fresh) => {
    const standing = new Map();
    for (const row of body.querySelectorAll(":scope > tr[data-key]")) standing.set(row.dataset.key, row);
    let at = body.firstElementChild;
    for (const row of [...fresh.querySelectorAll(":scope > tr[data-key]")]) {
      const known = standing.get(row.dataset.key);
      if (known) {
        standing.delete(row.dataset.key);
        if (known === at) {
          at = at.nextElementSibling;
          while (at && at.classList.contains("opened")) at = at.nextElementSibling;
        }
        continue;
      }
      row.classList.add("arrived");
      body.insertBefore(document.adoptNode(row), at);
    }
    for (const row of standing.values()) {
      const below = row.nextElementSibling;
      if (below && below.classList.contains("opened")) continue;
      row.remove();
    }
  };

  const apply = (html) => {
    const page = new DOMParser().parseFromString(`<body>${html}</body>`, "text/html");
    const now = document.querySelectorAll("[data-region]");
    const next = page.querySelectorAll("[data-region]");
    const same = now.length === next.length && [...now].every((one, i) => one.dataset.region === next[i].dataset.region);
    // A page with other parts than before (the status came or went) is made anew.
    if (!same) return location.reload();
    now.forEach((one, i) => {
      if (one.hasAttribute("data-keyed")) merge(one, next[i]);
      else if (one.innerHTML !== next[i].innerHTML) one.innerHTML = next[i].innerHTML;
    });
    const old = page.querySelector(".figures")?.classList.contains("old") ?? false;
    for (const part of document.querySelectorAll(".figures, .columns, main > .card")) part.classList.toggle("old", old);
  };

  const close = () => {
    if (stream) stream.close();
    stream = null;
  };
  const open = () => {
    close();
    if (paused || document.hidden) return;
    stream = new EventSource(`/events?lang=${lang}`);
    stream.onopen = () => show("on");
    stream.addEventListener("seen", (event) => {
      show("on");
      apply(JSON.parse(event.data));
    });
    stream.onerror = () => {
      show("off");
      if (stream && stream.readyState === EventSource.CLOSED) setTimeout(open, 3000);
    };
  };

  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? pause.dataset.resume : pause.dataset.pause;
    pause.setAttribute("aria-pressed", String(paused));
    if (paused) {
      close();
      show("paused");
    } else open();
  });
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  window.addEventListener("pagehide", close);

  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a.open");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    const row = link.closest("tr");
    const below = row.nextElementSibling;
    if (below && below.classList.contains("opened")) {
      below.remove();
      link.setAttribute("aria-expanded", "false");
      return;
    }
    let answer;
    try {
      answer = await fetch(`${link.pathname}?lang=${lang}&part=1`);
    } catch {
      show("off");
      return;
    }
    if (!answer.ok) {
      location.href = link.href;
      return;
    }
    const cell = document.createElement("td");
    cell.colSpan = row.cells.length;
    cell.innerHTML = await answer.text();
    const opened = document.createElement("tr");
    opened.className = "opened";
    opened.append(cell);
    row.after(opened);
    link.setAttribute("aria-expanded", "true");
  });
  for (const link of document.querySelectorAll("a.open")) link.setAttribute("aria-expanded", "false");
  open();
})();
