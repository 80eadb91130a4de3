// Sorts and filters the rows of the page. Rows that are not shown are in memory only, so that thousands do no harm.
"use strict";
(() => {
  const STEP = 100;
  const collator = new Intl.Collator("en", { numeric: true });
  const form = document.getElementById("filter");
  const said = form.querySelector("output");

  // A table's rows in their order, and what is looked for in them.
  const tables = [...document.querySelectorAll("table.rows")].map((table) => {
    const more = table.querySelector("template");
    const bodies = [...table.tBodies, ...(more ? more.content.children : [])];
    return {
      element: table,
      name: table.id,
      more: table.parentElement.nextElementSibling.querySelector(".more"),
      most: STEP,
      rows: bodies.map((body) => ({
        body,
        text: body.textContent.toLowerCase(),
        verdict: body.dataset.verdict,
        namespace: body.dataset.namespace,
      })),
    };
  });

  const counted = (number) => number.toLocaleString("en");

  function show(table) {
    const words = form.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const verdict = form.elements.verdict.value;
    const namespace = form.elements.namespace.value;
    table.found = table.rows.filter(
      (row) =>
        (!verdict || row.verdict === verdict) &&
        (!namespace || row.namespace === namespace) &&
        words.every((word) => row.text.includes(word)),
    );
    const shown = table.found.slice(0, table.most).map((row) => row.body);
    for (const body of [...table.element.tBodies]) body.remove();
    table.element.append(...shown);
    const left = table.found.length - shown.length;
    table.more.hidden = left <= 0;
    table.more.textContent = `Show ${counted(Math.min(STEP, left))} more of ${counted(left)}`;
  }

  function showAll(most) {
    for (const table of tables) {
      table.most = most;
      show(table);
    }
  }

  // Nothing where prices are in more than one currency.
  function cost(rows) {
    if (!form.dataset.currency) return "";
    const sum = rows.reduce((before, row) => before + Number(row.body.dataset.price || 0), 0);
    const shown = sum.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
    return `; ${shown} ${form.dataset.currency} a month`;
  }

  // What the page tells who cannot see it, too: how many rows there are now, and what they cost.
  function filter() {
    showAll(STEP);
    const counts = tables.map((table) => `${counted(table.found.length)} of ${counted(table.rows.length)} ${table.name}`);
    said.textContent = counts.join(", ") + cost(tables.flatMap((table) => table.found));
  }

  function sort(table, column, head) {
    const down = head.getAttribute("aria-sort") === "ascending";
    const number = head.classList.contains("number");
    const keyed = table.rows.map((row) => {
      const cell = row.body.rows[0].cells[column];
      return [number ? Number(cell.dataset.sort) : cell.textContent, row];
    });
    const missing = ([key]) => (number ? Number.isNaN(key) : key === "");
    keyed.sort((one, other) => {
      // What is missing comes last, whichever way the rest is sorted.
      if (missing(one) || missing(other)) return missing(one) - missing(other);
      const order = number ? one[0] - other[0] : collator.compare(one[0], other[0]);
      return down ? -order : order;
    });
    table.rows = keyed.map(([, row]) => row);
    for (const each of head.parentElement.cells) each.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    table.most = STEP;
    show(table);
  }

  for (const table of tables) {
    [...table.element.tHead.rows[0].cells].forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      button.addEventListener("click", () => sort(table, column, head));
      head.replaceChildren(button);
    });
    table.more.addEventListener("click", () => {
      const next = table.found[table.most];
      table.most += STEP;
      show(table);
      if (next) next.body.querySelector("summary").focus();
    });
  }
  form.hidden = tables.length === 0;
  form.addEventListener("input", filter);
  form.querySelector("button").addEventListener("click", () => {
    form.reset();
    filter();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("beforeprint", () => showAll(Infinity));
  window.addEventListener("afterprint", () => showAll(STEP));
  filter();
})();
