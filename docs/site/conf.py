"""Sphinx's settings of the site; `python -m docs.site` uses them."""

from pathlib import Path

project = "aksdisks"
author = "aksdisks"
html_show_copyright = False
extensions = ["myst_nb"]
language = "en"
smartquotes = False

# Pages show what was recorded; no build executes anything.
nb_execution_mode = "off"
myst_enable_extensions = ["attrs_inline", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["files/**"]

html_theme = "pydata_sphinx_theme"
html_title = "aksdisks"
html_sidebars = {"**": ["sidebar-nav-bs"], "index": []}
html_static_path = [str(Path(__file__).with_name("static"))]
html_search_scorer = str(Path(__file__).with_name("scorer.js"))
html_favicon = str(Path(__file__).with_name("static") / "icon.svg")
html_css_files = ["site.css"]
html_js_files = [("site.js", {"defer": "defer"})]
html_copy_source = False
html_show_sourcelink = False
html_use_index = False
html_domain_indices = False
html_theme_options = {
    "logo": {"text": "aksdisks"},
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "primary_sidebar_end": [],
    "collapse_navigation": True,
    "footer_start": [],
    "footer_end": [],
    "show_toc_level": 2,
    "search_bar_text": "Search: a message, a cause, a command",
    "search_as_you_type": True,
}
