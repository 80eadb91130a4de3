"""Records in memory, that another cloud can be made from as after a restart."""

from __future__ import annotations

from aksdisks.lab.persistence.records import Records


class Remembering(Records):
    """Records that a second cloud can be made from."""

    def __init__(self, kept=None):
        self.kept = {} if kept is None else dict(kept)
        self.fresh = kept is None

    def put(self, kind, key, content):
        self.kept[kind, key] = content

    def remove(self, kind, key):
        self.kept.pop((kind, key), None)

    def read(self, kind):
        written = {where: content() if callable(content) else content for where, content in self.kept.items()}
        return iter([(key, content) for (of, key), content in written.items() if of == kind])

    def again(self):
        """As a restart finds them."""
        return Remembering({where: content() if callable(content) else content for where, content in self.kept.items()})
