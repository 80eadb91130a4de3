// Paper is light, and what is folded is printed, too.
matchMedia("print").addEventListener("change", ({ matches }) => {
  const root = document.documentElement;
  if (matches) {
    root.dataset.onScreen = root.dataset.theme;
    root.dataset.theme = "light";
    document.querySelectorAll("article details:not([open])").forEach((part) => {
      part.dataset.folded = "";
      part.open = true;
    });
  } else {
    root.dataset.theme = root.dataset.onScreen;
    document.querySelectorAll("article details[data-folded]").forEach((part) => (part.open = false));
  }
});

// The words that causes are known by: which stand in a message that somebody has, names and numbers aside? The page of
// symptoms shows them all; a search shows those of its message above what it finds, those that say most of it first.
const words = document.querySelector("#what-kubectl-shows-and-what-it-means table, #known table");
if (words) {
  const literally = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const rows = [...words.tBodies[0].rows].map((row) => {
    const said = row.querySelector("code").textContent.trim();
    const open = literally(said).replace(/\bN\b|\d+/g, "\\d+").replace(/\s*…\s*/g, ".*").replace(/\s+/g, "\\s+");
    return { row, said, pattern: new RegExp(open, "is") };
  });
  const show = (message, everywhere) => {
    const part = new RegExp(`(?<!\\w)${literally(message)}`, "i");
    const found = rows.filter(({ row, said, pattern }) => {
      const fits = pattern.test(message) || part.test(everywhere ? row.textContent : said);
      row.hidden = !fits;
      return fits;
    });
    // Of the words in the message the longest first; of words that the message is a part of the shortest.
    const rank = ({ said, pattern }) => (pattern.test(message) ? -said.length : said.length);
    const order = message ? found.sort((one, other) => rank(one) - rank(other)) : rows;
    words.tBodies[0].append(...order.map(({ row }) => row));
    return found.length;
  };
  const known = document.querySelector("#known");
  if (known) {
    const input = document.querySelector("main input[name=q]");
    const look = (message) => (known.hidden = message.length < 4 || !show(message, false));
    input.addEventListener("input", () => look(input.value.trim()));
    look((new URLSearchParams(location.search).get("q") ?? "").trim());
  } else {
    const form = document.createElement("p");
    form.innerHTML =
      '<label for="message">A message that you have:</label> <input id="message" type="search" class="form-control">' +
      '<output for="message" role="status"></output>';
    const [, input, said] = form.children;
    input.addEventListener("input", () => {
      const message = input.value.trim();
      const found = show(message, true);
      said.textContent = message ? `${found} of ${rows.length} fit` : "";
    });
    words.closest(".pst-scrollable-table-container").before(form);
  }
}
