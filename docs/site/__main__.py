"""Builds the site: `python -m docs.site [FOLDER]`, which is `_site` where none is named.

Needs the extra `docs`. A warning, a link or an anchor that leads nowhere and a request to another host are errors (exit
code 1); the folder is replaced.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
import tempfile
from pathlib import Path

from docs.site.check import problems
from docs.site.contents import ROOT, SYMPTOMS, pages, place
from docs.site.stage import Stage


def main(arguments: list[str]) -> int:
    """Build into the folder, and say what is wrong."""
    if len(arguments) > 1 or any(argument.startswith("-") for argument in arguments):
        print(__doc__, file=sys.stderr)
        return 2
    out = Path(*arguments) if arguments else ROOT / "_site"
    if out.exists() and any(out.iterdir()) and not (out / "searchindex.js").is_file():
        print(f"{out}: expected a folder that is empty or has a site, found other files", file=sys.stderr)
        return 2
    if importlib.util.find_spec("sphinx") is None:
        print("Sphinx is not installed: pip install -e '.[docs]'", file=sys.stderr)
        return 2
    for page in sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")):
        if page not in pages():
            print(f"{page}: is in no section of docs/site/contents.py", file=sys.stderr)
            return 1
    with tempfile.TemporaryDirectory() as folder:
        Stage(Path(folder)).fill()
        if not built(Path(folder), out):
            return 1
    print(f"{out / 'index.html'}: {len(list(out.rglob('*.html')))} pages")
    return 0


def built(source: Path, out: Path) -> bool:
    """Build what is staged, and say on stderr what is wrong; whether nothing is."""
    from sphinx.cmd.build import build_main

    with tempfile.TemporaryDirectory() as folder:
        site, trees = Path(folder) / "built" / "site", Path(folder) / "trees"
        options = ["-q", "-W", "--keep-going", "-b", "html", "-c", str(Path(__file__).parent), "-d", str(trees)]
        failed = build_main([*options, str(source), str(site)])
        _finish(site)
        # MyST-NB leaves a folder of its own beside the site.
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(site, out)
    wrong = list(problems(out))
    print(*wrong, sep="\n", end="\n" if wrong else "", file=sys.stderr)
    return not failed and not wrong


def _finish(out: Path) -> None:
    """Take away what no reader asks for, name what the theme leaves unnamed, and give the search the symptoms."""
    for left in (".buildinfo", "objects.inv", "_static/webpack-macros.html"):
        (out / left).unlink(missing_ok=True)
    for page in out.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        page.write_text(
            text.replace("<summary><span", '<summary aria-label="Pages of this part"><span'), encoding="utf-8"
        )
    search, symptoms = out / "search.html", out / place(SYMPTOMS).replace(".md", ".html")
    if symptoms.exists():  # site.js shows those of its rows that fit what is looked for
        table = re.search("<table.*?</table>", symptoms.read_text(encoding="utf-8"), re.DOTALL)
        assert table, f"{symptoms}: expected a table"
        results = '<div id="search-results">'
        text = search.read_text(encoding="utf-8")
        assert results in text, f"{search}: expected {results}"
        known = f'<div id="known" class="pst-scrollable-table-container" hidden>{table[0]}</div>'
        search.write_text(text.replace(results, known + results), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
