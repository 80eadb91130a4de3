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

// On the page of symptoms: which of the words stand in a message that somebody has, names and numbers aside.
const words = document.querySelector("#what-kubectl-shows-and-what-it-means table");
if (words) {
  const rows = [...words.tBodies[0].rows].map((row) => {
    const said = row.querySelector("code").textContent.trim();
    const escaped = said.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    return [row, new RegExp(escaped.replace(/…/g, ".*").replace(/\bN\b|\d+/g, "\\d+").replace(/\s+/g, "\\s+"), "is")];
  });
  const form = document.createElement("p");
  form.innerHTML =
    '<label for="message">A message that you have:</label> <input id="message" type="search" class="form-control">' +
    '<output for="message" role="status"></output>';
  const [, input, said] = form.children;
  input.addEventListener("input", () => {
    const message = input.value.trim();
    const found = rows.filter(([row, words]) => {
      const fits = !message || words.test(message) || row.textContent.toLowerCase().includes(message.toLowerCase());
      row.hidden = !fits;
      return fits;
    });
    said.textContent = message ? `${found.length} of ${rows.length} fit` : "";
  });
  words.closest(".pst-scrollable-table-container").before(form);
}
