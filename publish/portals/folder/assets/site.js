"use strict";
// What scripts add to the pages: search as one types, a filter of the list of datasets, copying a query.
// Every page says all it has to say without this.
(() => {
  const find = document.querySelector("form.find");
  const box = find && find.querySelector("input");
  const MOST = 12;
  const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const words = (text) => fold(text).split(/[^\p{L}\p{N}]+/u).filter(Boolean);

  // Edits (a letter more, fewer, other, or two exchanged) between two words, as far as `most`.
  const edits = (a, b, most) => {
    if (Math.abs(a.length - b.length) > most) return most + 1;
    let before = [], row = Array.from({ length: b.length + 1 }, (_, j) => j);
    for (let i = 1; i <= a.length; i++) {
      const next = [i];
      for (let j = 1; j <= b.length; j++) {
        const same = a[i - 1] === b[j - 1] ? 0 : 1;
        next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + same);
        if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) next[j] = Math.min(next[j], before[j - 2] + 1);
      }
      if (Math.min(...next) > most) return most + 1;
      before = row;
      row = next;
    }
    return row[b.length];
  };

  const fits = (asked, word) => {
    if (word === asked) return 10;
    if (word.startsWith(asked)) return 7;
    if (asked.length > 2 && word.includes(asked)) return 4;
    const most = asked.length > 7 ? 2 : asked.length > 3 ? 1 : 0;
    if (most === 0) return 0;
    // what is typed may be the beginning of a longer word, and wrong in a letter
    const start = word.slice(0, asked.length);
    return edits(asked, word, most) <= most || (asked.length > 4 && edits(asked, start, 1) <= 1) ? 2 : 0;
  };

  let entries = null;
  const prepared = () => {
    if (!entries && window.opendistrictIndex) {
      entries = window.opendistrictIndex.entries.map(([kind, title, place, name, more]) => ({
        kind, title, place, name, title_words: words(title), name_words: words(name), more_words: words(more),
      }));
    }
    return entries;
  };

  const best = (asked, among, weight) => Math.max(0, ...among.map((word) => fits(asked, word) * weight));
  const search = (text) => {
    const asked = words(text);
    if (!asked.length || !prepared()) return [];
    const found = [];
    for (const entry of entries) {
      let score = 0;
      for (const one of asked) {
        const here = Math.max(best(one, entry.title_words, 3), best(one, entry.name_words, 3), best(one, entry.more_words, 1));
        if (!here) { score = 0; break; }
        score += here;
      }
      if (score) found.push([score * (entry.kind === 0 ? 2 : entry.kind === 1 ? 1.4 : 1), entry]);
    }
    found.sort((a, b) => b[0] - a[0] || a[1].title.localeCompare(b[1].title));
    return found.map((pair) => pair[1]);
  };

  let waiting = null;
  const load = () => {
    if (!waiting) {
      waiting = new Promise((done) => {
        const script = document.createElement("script");
        // the day, so that no browser keeps yesterday's index
        script.src = find.dataset.index + "?d=" + new Date().toISOString().slice(0, 10);
        script.onload = script.onerror = done;
        document.head.append(script);
      });
    }
    return waiting;
  };

  const list = (found, into) => {
    into.replaceChildren(...found.map((entry) => {
      const item = document.createElement("li"), link = document.createElement("a"), kind = document.createElement("span");
      link.href = find.dataset.root + entry.place;
      link.textContent = entry.title;
      kind.className = "quiet";
      kind.textContent = window.opendistrictIndex.kinds[entry.kind] + (entry.kind === 2 ? ` ${entry.name}, ${entry.place.split("/")[1]}` : "");
      item.append(link, " ", kind);
      return item;
    }));
  };
  const said = (count) => count ? `${find.dataset.some} ${count}` : find.dataset.none;

  if (find) {
    const panel = document.createElement("div");
    panel.className = "found";
    panel.hidden = true;
    panel.innerHTML = '<p role="status"></p><ol></ol>';
    find.append(panel);
    const [status, results] = panel.children;
    const show = async () => {
      await load();
      const text = box.value.trim(), found = search(text);
      panel.hidden = !text || !window.opendistrictIndex;
      list(found.slice(0, MOST), results);
      status.textContent = text ? said(found.length) : "";
    };
    box.addEventListener("focus", load);
    box.addEventListener("input", show);
    find.addEventListener("focusout", (event) => { if (!find.contains(event.relatedTarget)) panel.hidden = true; });
    find.addEventListener("keydown", (event) => {
      const links = [...results.querySelectorAll("a")], at = links.indexOf(document.activeElement);
      if (event.key === "Escape") { panel.hidden = true; box.focus(); }
      else if (event.key === "ArrowDown" && links.length) { links[Math.min(at + 1, links.length - 1)].focus(); event.preventDefault(); }
      else if (event.key === "ArrowUp" && at >= 0) { (at ? links[at - 1] : box).focus(); event.preventDefault(); }
    });
    document.addEventListener("keydown", (event) => {
      const at = event.target;
      if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !(at.matches && at.matches("input, textarea, select, [contenteditable]"))) {
        event.preventDefault();
        box.focus();
        box.select();
      }
    });
    const page = document.querySelector("[data-results]");
    const asked = new URLSearchParams(location.search).get("q");
    if (page && asked) {
      box.value = asked;
      load().then(() => {
        if (!window.opendistrictIndex) return;
        const found = search(asked);
        list(found.slice(0, 100), page.querySelector("ol"));
        page.hidden = false;
        page.querySelector("[data-status]").textContent = said(found.length);
      });
    }
  }

  for (const filter of document.querySelectorAll("[data-filter]")) {
    const items = [...document.getElementById(filter.dataset.filter).children];
    const status = filter.parentElement.querySelector("[role=status]");
    filter.parentElement.hidden = false;
    filter.addEventListener("input", () => {
      const asked = words(filter.value);
      let count = 0;
      for (const item of items) {
        const own = fold(item.dataset.words);
        item.hidden = !asked.every((one) => own.includes(one));
        count += item.hidden ? 0 : 1;
      }
      status.textContent = `${status.dataset.count} ${count}`;
    });
  }

  for (const button of document.querySelectorAll("[data-copy]")) {
    if (!navigator.clipboard) continue;
    button.hidden = false;
    const before = button.textContent;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
      button.textContent = button.dataset.done;
      setTimeout(() => { button.textContent = before; }, 2000);
    });
  }
})();
