"""What a reader of a view's HTML reads, and what it would fetch."""

from html.parser import HTMLParser


class Page(HTMLParser):
    """Collects what a reader of HTML reads, and whatever it would fetch."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.read: list[str] = []
        self.fetched: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.fetched += [value for name, value in attributes if name in ("src", "href")]
        if tag in ("script", "link"):
            self.fetched.append(tag)

    def handle_data(self, data):
        self.read.append(data)
