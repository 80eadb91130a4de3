"""Copies the site's pages into a folder for Sphinx: links follow them, and what is made of others is made."""

from __future__ import annotations

import json
import posixpath
import re
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from docs.site.contents import HOME, ROOT, SECTIONS, SPLIT, SYMPTOMS, Section, pages, place

_LINK = re.compile(r"(?<=\]\()([^)\s:]*?)(#[^)\s]*)?(?=\))")
_CODE = re.compile(r"(?<![\[`])`([^`\n]+)`(?![\]`])")
_FENCE = re.compile(r"(^ *```.*?^ *```$)", re.MULTILINE | re.DOTALL)
_ISSUE = re.compile(r"(?<![\w/-])(AKS|CSI|k/k)#(\d+)")
_TRACKERS = {"AKS": "Azure/AKS", "CSI": "kubernetes-sigs/azuredisk-csi-driver", "k/k": "kubernetes/kubernetes"}
_PICTURE = re.compile(r"<picture>.*?</picture>", re.DOTALL)
_OURS = "application/vnd.aksdisks.check+json"
# Files that a text names become links where they are of use without the program.
_TO_HAVE = (".json", ".yaml", ".yml")


class Stage:
    """A folder that is filled with the site's pages."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._texts = {page: _text(ROOT / page) for page in pages() - {SYMPTOMS}}
        self._parts = {page: _sections(self._texts[page]) for page in SPLIT}
        self._texts[SYMPTOMS] = _symptoms(self._parts["docs/causes.md"])
        self._files: set[str] = set()

    def fill(self) -> None:
        """Write all pages, and the files that they name."""
        for section in SECTIONS:
            for page in section.pages:
                self._page(page)
            first = self._here(section.first) if section.first else f"# {section.title}\n\n{section.promise}\n"
            first += f"\n## In this part\n\n{self._listing(section)}"
            self._write(f"{section.name}.md", first, [(place(page).rpartition(".")[0], "") for page in section.pages])
        self._write(place(HOME), self._here(HOME), [(section.name, section.title) for section in SECTIONS])
        for name in self._files:
            (self._folder / "files" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, self._folder / "files" / name)

    def _page(self, page: str) -> None:
        if page.endswith(".ipynb"):
            self._write(place(page), self._notebook(page))
        elif page in SPLIT:
            self._split(page)
        else:
            self._write(place(page), self._here(page))

    def _split(self, page: str) -> None:
        """A page of all, and one of each section, whose parts have headings there."""
        beginning, _, _ = self._texts[page].partition("\n## ")
        folder, parts = place(page).removesuffix(".md"), self._parts[page]
        tree = [(f"{folder}/{name}", name) for name in parts]
        self._write(place(page), self._told(beginning, page, place(page)), tree)
        for name, text in parts.items():
            rank, what, text = _ranked(text)
            here = f"{folder}/{name}.md"
            told = _ISSUE.sub(_issue, self._told(text, page, here, names=parts))
            self._write(here, f"# {name}: {what}\n\n*{rank}*, as `aksdisks explain {name}` says it.\n\n{told}")

    def _notebook(self, page: str) -> str:
        """The notebook, with a line on where it is from, and without what only a program reads of its outputs."""
        content = json.loads((ROOT / page).read_text(encoding="utf-8"))
        for cell in content["cells"]:
            if cell["cell_type"] == "markdown":
                cell["source"] = self._told("".join(cell["source"]), page, place(page))
            for output in cell.get("outputs", ()):
                output.get("data", {}).pop(_OURS, None)
        self._files.add(page)
        number = Path(page).name[:2]
        content["cells"][0]["source"] += (
            f"\n\nRecorded on the lab. `aksdisks run {number}` runs it, `aksdisks walk` opens it in JupyterLab; "
            f"{{download}}`the notebook <../files/{page}>`."
        )
        return json.dumps(content)

    def _listing(self, section: Section) -> str:
        """What each page of a section is about, in that page's first words."""
        titles = ((page, f"**[{_title(self._texts[page])}]({place(page)})**") for page in section.pages)
        return "\n".join(f"{title}\n: {self._promise(page)}\n" for page, title in titles)

    def _promise(self, page: str) -> str:
        """A page's first paragraph, or its first sentence where that is long."""
        text = self._told(_paragraph(self._texts[page]), page, "index.md").replace("\n", " ")
        return text if len(text) < 240 else re.split(r"(?<=\.) ", text)[0]

    def _here(self, page: str) -> str:
        """A page's text as it stands on the site."""
        return self._told(self._texts[page], page, place(page))

    def _told(self, text: str, page: str, here: str, names: Iterable[str] = ()) -> str:
        """A page's text whose links lead to where things stand on the site.

        Code that names a page or a file becomes a link, too, and in a cause's or a rule's text those of `names`.
        """
        text = _PICTURE.sub(_both_pictures, text)
        parts = _FENCE.split(text)
        for number in range(0, len(parts), 2):
            parts[number] = _LINK.sub(lambda found: self._link(found[1], found[2] or "", page, here), parts[number])
            parts[number] = _CODE.sub(self._named(here, frozenset(names)), parts[number])
        return "".join(parts)

    def _link(self, target: str, fragment: str, page: str, here: str) -> str:
        wanted = posixpath.normpath(posixpath.join(posixpath.dirname(page), target)) if target else page
        if wanted in SPLIT and fragment[1:] in self._parts[wanted]:
            wanted, fragment = f"{wanted.removesuffix('.md')}/{fragment[1:]}.md", ""
        elif not target:
            return fragment
        elif wanted == "README.md":
            wanted = HOME
        elif wanted not in self._texts and (ROOT / wanted).is_file():
            self._files.add(wanted)
            wanted = f"files/{wanted}"
        return posixpath.relpath(place(wanted), posixpath.dirname(here) or ".") + fragment

    def _named(self, here: str, names: frozenset[str]) -> Callable[[re.Match[str]], str]:
        """Turns code that names a page into a link with its title, and of other files and causes into one as it is."""

        def link(found: re.Match[str]) -> str:
            named = found[1]
            for page in (named, f"runbooks/{named}.ipynb"):
                if page in self._texts:
                    return f"[{_title(self._texts[page])}]({self._link(page, '', '', here)})"
            if named.endswith(_TO_HAVE) and "/" in named and (ROOT / named).is_file():
                return f"[{found[0]}]({self._link(named, '', '', here)})"
            if "-" in named and named in names and not here.endswith(f"/{named}.md"):
                return f"[{found[0]}]({named}.md)"
            return found[0]

        return link

    def _write(self, name: str, text: str, tree: Iterable[tuple[str, str]] = ()) -> None:
        """One page; `tree` are those below it in the navigation, by address and title, or the page's own title."""
        if rows := [f"{title} <{page}>" if title else page for page, title in tree]:
            text += "\n\n```{toctree}\n:hidden:\n\n" + "\n".join(rows) + "\n```\n"
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _text(path: Path) -> str:
    """A page's Markdown; of a notebook that of its first cell."""
    text = path.read_text(encoding="utf-8")
    return "".join(json.loads(text)["cells"][0]["source"]) if path.suffix == ".ipynb" else text


def _title(text: str) -> str:
    return text.partition("# ")[2].partition("\n")[0]


def _paragraph(text: str) -> str:
    """The first paragraph below the title."""
    return text.partition("# ")[2].partition("\n\n")[2].lstrip().partition("\n\n")[0]


def _sections(text: str) -> dict[str, str]:
    """The texts of a page's sections by their headings."""
    parts = (part.partition("\n") for part in text.split("\n## ")[1:])
    return {name: body.strip() + "\n" for name, _, body in parts}


def _ranked(text: str) -> tuple[str, str, str]:
    """Of a cause or a rule: its rank, what it is in a sentence, and the rest with headings."""
    first, _, rest = text.partition("\n\n")
    rank, _, what = first.removeprefix("*").partition("*: ")
    return rank, what.rstrip("."), re.sub(r"^\*\*([^*]+)\*\*$", r"## \1", rest, flags=re.MULTILINE)


def _issue(found: re.Match[str]) -> str:
    """An issue that is named in short, such as `AKS#477`, as a link."""
    return f"[{found[0]}](https://github.com/{_TRACKERS[found[1]]}/issues/{found[2]})"


def _both_pictures(found: re.Match[str]) -> str:
    """A picture for light and one for dark pages, of which the theme shows one, whatever the system prefers."""
    dark, light, alt = (re.search(f' {name}="([^"]+)"', found[0]) for name in ("srcset", "src", "alt"))
    assert dark and light and alt, found[0]
    return f"![{alt[1]}]({light[1]}){{.only-light}}\n![{alt[1]}]({dark[1]}){{.only-dark}}"


_SYMPTOMS = """# What kubectl shows, and what it means

Words as they stand in `kubectl describe` and `kubectl get events`, and the cause behind them. `…` stands for what
differs from one object to another. `aksdisks diagnose` looks for the same words, and at the states behind them.

| words | cause |
|---|---|
"""
_SILENT = """
## Where no words show it

States alone tell these; the cause's page says which.

| cause | what it is |
|---|---|
"""


def _symptoms(causes: Mapping[str, str]) -> str:
    """Each message that a cause is recognised by, and the cause; then the causes that say nothing."""
    said: list[tuple[str, str]] = []
    silent = []
    for name, text in causes.items():
        _, what, _ = _ranked(text)
        _, _, recognised = text.partition("**How it is recognised**")
        _, _, words = recognised.partition("\n\n**")[0].partition("Words:")
        found = [word for word in re.findall(r"`[^`]+`", words.replace("\n", " ")) if word.strip("`") not in causes]
        said += [(word.replace("|", "\\|"), f"[{name}](causes.md#{name}): {what}") for word in found]
        if not found:
            silent.append(f"| [{name}](causes.md#{name}) | {what} |")
    rows = (f"| {word} | {cause} |" for word, cause in sorted(said, key=lambda row: row[0].strip("`… ").casefold()))
    return _SYMPTOMS + "\n".join(rows) + "\n" + _SILENT + "\n".join(silent) + "\n"
