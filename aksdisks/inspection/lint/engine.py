"""Asks all rules about all objects, and makes findings of what they say: place, fix, source, reason to leave it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aksdisks.inspection.diagnosis.findings import Unseen
from aksdisks.inspection.lint.catalogue import rules_of
from aksdisks.inspection.lint.edits import fix
from aksdisks.inspection.lint.findings import BadFile, LintFinding, LintReport
from aksdisks.inspection.lint.reading import Manifest, Reading
from aksdisks.inspection.lint.rule import Hit, Rule
from aksdisks.inspection.lint.suppression import Suppressions, suppressions
from aksdisks.inspection.lint.world import World


def lint(reading: Reading | None, live: Iterable[Manifest] | None = None, unseen: Iterable[Unseen] = ()) -> LintReport:
    """What the rules find; pure.

    `reading` are the objects of files, None to judge those of a cluster; `live` are the cluster's, None where none was
    asked; `unseen` is what of it could not be read.
    """
    unseen = tuple(unseen)
    world = World(None if reading is None else reading.manifests, live, (each.what for each in unseen))
    judge = _Judge(world)
    found = [finding for manifest in world.judged for finding in judge.findings(manifest)]
    return LintReport.of(
        found,
        bad_files=(*(reading.bad_files if reading else ()), *judge.bad_files()),
        unseen=(*unseen, *judge.unseen()),
        files=reading.files if reading else (),
        objects=len(world.judged),
    )


class _Judge:
    """The findings about one object after another; what their annotations say is read once."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._said: dict[int, tuple[Manifest, Suppressions]] = {}

    def findings(self, manifest: Manifest) -> Iterator[LintFinding]:
        """What all rules for its kind say."""
        rules = rules_of(manifest.kind)
        if rules:
            self._suppressions(manifest)
        for rule in rules:
            if self._world.is_live or not rule.cluster_only:
                for hit in rule.judge(self._world, manifest):
                    yield self._finding(rule, manifest, hit)

    def _finding(self, rule: Rule, manifest: Manifest, hit: Hit) -> LintFinding:
        # What a file is judged against stands for itself elsewhere: what is found on it is found for the file's object.
        elsewhere = hit.on is not None and hit.on.text is None and manifest.text is not None
        on = manifest if elsewhere or hit.on is None else hit.on
        line = on.line(() if elsewhere else hit.place)
        said = (self._suppressions(each).reasons.get(rule.id, "") for each in (on, manifest))
        return LintFinding(
            rule=rule.id,
            level=hit.level or rule.level,
            file=on.file,
            line=line,
            object=on.ref,
            because=hit.because,
            fix="\n".join(hit.commands) or fix(on, () if elsewhere else hit.edits, patchable=hit.patchable),
            source=rule.docs,
            opposed_by=rule.opposed_by,
            suppressed=next(filter(None, said), ""),
            text=on.text.content(line) if on.text else "",
        )

    def _suppressions(self, manifest: Manifest) -> Suppressions:
        if id(manifest) not in self._said:
            self._said[id(manifest)] = (manifest, suppressions(manifest))
        return self._said[id(manifest)][1]

    def bad_files(self) -> Iterator[BadFile]:
        """Annotations in files that cannot be meant."""
        for manifest, said in self._said.values():
            for place, because in said.problems if manifest.text else ():
                yield BadFile(file=manifest.file, line=manifest.line(place), because=f"{manifest}: {because}")

    def unseen(self) -> Iterator[Unseen]:
        """Annotations in a cluster that cannot be meant: somebody else's, so they end nothing."""
        for manifest, said in self._said.values():
            for _, because in said.problems if not manifest.text else ():
                yield Unseen(str(manifest), because, "which finding it means to suppress", hides=False)
