// Adds to a dataset's page what needs a script: more rows, sorting, filters, lines to copy with the page's address,
// the version of a day. The page says everything without it.
"use strict";

(() => {
  const tools = document.getElementById("preview-tools");
  const table = document.getElementById("preview-table");
  if (tools && table) preview(tools, table);
  document.querySelectorAll("form.as-of").forEach(asOf);
  document.querySelectorAll("pre[data-served]").forEach(addressed);
  if (navigator.clipboard) document.querySelectorAll("pre").forEach(copyable);

  function preview(tools, table) {
    const said = tools.dataset;
    const heads = [...table.tHead.rows[0].cells];
    const fields = heads.map((head) => ({
      ...head.dataset,
      title: head.textContent.trim(),
      words: new Map(Object.entries(JSON.parse(head.dataset.words ?? "{}"))),
    }));
    const body = table.tBodies[0];
    const drawn = [...body.rows];
    const search = tools.querySelector("#preview-search");
    const column = tools.querySelector("#preview-column");
    const value = tools.querySelector("#preview-value");
    const load = tools.querySelector("#preview-load");
    const status = tools.querySelector(".status");
    const more = document.getElementById("preview-more");
    const PAGE = 100;
    let rows = null;
    let loading = null;
    let order = null;
    let shown = PAGE;

    const truth = (one) => (one ? said.yes : said.no);
    const isSuppressed = (one) => one !== null && typeof one === "object";

    function number(one, field) {
      const digits = Math.abs(Number.isInteger(one) || field.decimals ? one : Number(one.toPrecision(10)));
      const [whole, part] = String(digits).split(".");
      const isFinnish = said.language === "fi";
      const grouped = whole.replace(/\B(?=(\d{3})+$)/g, isFinnish ? "\u00a0" : ",");
      const padded = part && field.decimals ? part.padEnd(Number(field.decimals), "0") : part;
      return (one < 0 ? "−" : "") + grouped + (padded ? (isFinnish ? "," : ".") + padded : "");
    }

    function text(one, field) {
      if (one === null) return field.null ? said.nothing : said.unknown;
      if (isSuppressed(one)) return said.suppressed;
      if (typeof one === "boolean") return truth(one);
      if (typeof one === "number" && field.type !== "year") return number(one, field);
      if (said.language === "fi" && (field.type === "date" || field.type === "datetime")) {
        const [day, time] = String(one).split(" ");
        const [y, m, d] = day.split("-").map(Number);
        return `${d}.${m}.${y}` + (time ? ` ${time.replaceAll(":", ".")}` : "");
      }
      return field.words.get(String(one)) ?? String(one);
    }

    function cell(one, field, place) {
      const made = document.createElement(place ? "td" : "th");
      if (!place) made.scope = "row";
      else made.dataset.of = field.title;
      if (field.type === "integer" || field.type === "number") made.className = "number";
      const words = text(one, field);
      if ((one === null && !field.null) || isSuppressed(one)) {
        const quiet = document.createElement("i");
        quiet.className = "quiet";
        quiet.textContent = words;
        made.append(quiet);
      } else if (/^https?:\/\/\S+$/.test(words)) {
        const link = document.createElement("a");
        link.href = words;
        link.rel = "nofollow noopener";
        link.textContent = words.replace(/^https?:\/\/(www\.)?/, "").replace(/^([^/]+)\/.*?([^/]{0,24})\/?$/, "$1 … $2");
        made.append(link);
      } else if (!place) {
        const key = document.createElement("span");
        key.className = "row-key";
        key.textContent = words;
        made.append(key);
      } else {
        made.textContent = words;
        if (words.length > 40) made.className += " long";
      }
      return made;
    }

    function ready() {
      if (rows) return Promise.resolve();
      if (!said.rows) {
        // all rows stand in the page: read them there
        rows = drawn.map((row) => [...row.cells].map((one) => {
          const words = one.textContent;
          return one.querySelector("i.quiet") && words === said.unknown ? null : words;
        }));
        return Promise.resolve();
      }
      loading ??= new Promise((resolve, reject) => {
        window.openDistrictRows = (given) => { rows = given.rows; };
        const script = document.createElement("script");
        script.src = said.rows;
        script.onload = () => (rows ? resolve() : reject(new Error("no rows")));
        script.onerror = () => { loading = null; reject(new Error("not loaded")); };
        status.textContent = said.loading;
        document.head.append(script);
      });
      return loading;
    }

    const compared = new Intl.Collator(said.language, { numeric: true });

    function matching() {
      const words = search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
      const place = column.value === "" ? -1 : Number(column.value);
      const own = value.value;
      let found = rows.filter((row) => {
        if (place >= 0 && own !== "" && text(row[place], fields[place]) !== own) return false;
        if (!words.length) return true;
        // by what is shown and by the code behind it
        const all = row.map((one, at) => `${text(one, fields[at])}\n${fields[at].words.size ? one : ""}`.toLowerCase()).join("\n");
        return words.every((word) => all.includes(word));
      });
      if (order) {
        const { place: at, sign } = order;
        const isEmpty = (one) => one === null || isSuppressed(one);
        found = [...found].sort((a, b) => {
          const [one, other] = [a[at], b[at]];
          if (isEmpty(one) || isEmpty(other)) return isEmpty(one) - isEmpty(other); // the unknown last, both ways
          if (typeof one === "number" && typeof other === "number") return sign * (one - other);
          const worded = (value) => (fields[at].words.size ? text(value, fields[at]) : String(value));
          return sign * compared.compare(worded(one), worded(other));
        });
      }
      return found;
    }

    function draw() {
      const found = matching();
      const some = found.slice(0, shown);
      body.replaceChildren(...(said.rows ? some.map((row) => {
        const made = document.createElement("tr");
        made.append(...row.map((one, place) => cell(one, fields[place], place)));
        return made;
      }) : some.map((row) => drawn[rows.indexOf(row)])));
      more.hidden = found.length <= shown;
      status.textContent = said.status
        .replace("%1", number(found.length, {}))
        .replace("%2", number(rows.length, {}))
        .replace("%3", number(some.length, {}));
      if (table.caption) table.caption.textContent = status.textContent; // it spoke of the first rows, in their first order
      if (load) load.parentElement.hidden = true;
    }

    const act = (change) => () => ready().then(() => { change?.(); draw(); }, () => { status.textContent = said.failed; });

    function values() {
      const place = column.value === "" ? -1 : Number(column.value);
      const first = value.options[0];
      value.replaceChildren(first);
      value.disabled = place < 0;
      if (place < 0) return;
      const counts = new Map();
      for (const row of rows) {
        const words = text(row[place], fields[place]);
        counts.set(words, (counts.get(words) ?? 0) + 1);
      }
      const often = [...counts].sort((a, b) => b[1] - a[1] || compared.compare(a[0], b[0])).slice(0, 200);
      for (const [words, count] of often) {
        const option = document.createElement("option");
        option.value = words;
        option.textContent = `${words.length > 50 ? words.slice(0, 49) + "…" : words} (${number(count, {})})`;
        value.append(option);
      }
    }

    heads.forEach((head, place) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = fields[place].title;
      button.title = `${said.sort} ${fields[place].title}`;
      head.replaceChildren(button);
      button.addEventListener("click", act(() => {
        const sign = order?.place === place ? -order.sign : 1;
        order = { place, sign };
        heads.forEach((one) => one.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
      }));
    });
    const fresh = () => { shown = PAGE; };
    search.addEventListener("input", act(fresh));
    column.addEventListener("change", act(() => { fresh(); values(); }));
    value.addEventListener("change", act(fresh));
    load?.addEventListener("click", act());
    more.querySelector("button").addEventListener("click", act(() => { shown += PAGE; }));
    tools.hidden = false;
  }

  function asOf(form) {
    const [input, status] = [form.querySelector("input"), form.querySelector("[role=status]")];
    const versions = form.dataset.versions.split(" ");
    form.addEventListener("submit", (event) => event.preventDefault());
    input.addEventListener("input", () => {
      if (!input.value) return status.replaceChildren();
      const found = versions.filter((one) => one.slice(0, 10) <= input.value).at(-1);
      if (!found) return status.replaceChildren(form.dataset.none);
      const link = document.createElement("a");
      link.href = `${form.dataset.folder}${found}/index.html`;
      link.textContent = found;
      const [before, after] = form.dataset.found.split("%s");
      status.replaceChildren(before, link, after);
    });
    form.hidden = false;
  }

  function addressed(pre) {
    if (!pre.dataset.served || !location.protocol.startsWith("http")) return;
    // the files lie in the dataset's folder, whatever the language of the page
    const folder = new URL(document.querySelector(".files a, .downloads a").getAttribute("href"), location.href);
    pre.querySelector("code").textContent = pre.dataset.served.replaceAll("{base}", new URL(".", folder).href);
    document.querySelectorAll("[data-without-address]").forEach((one) => { one.hidden = true; });
  }

  function copyable(pre) {
    const words = document.querySelector("[data-copy]")?.dataset ?? {};
    const holder = document.createElement("div");
    holder.className = "code";
    pre.replaceWith(holder);
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = words.copy ?? "Copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(pre.textContent);
      button.textContent = words.copied ?? "Copied";
      setTimeout(() => { button.textContent = words.copy ?? "Copy"; }, 2000);
    });
    holder.append(pre, button);
  }
})();
