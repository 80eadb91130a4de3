"""What the API refuses: dry runs on the server, so that nothing would come of one that it did not refuse."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

from aksdisks.model import Pod
from aksdisks.session.session import Session


class DryRuns:
    """Asks for changes of the article's objects; raises ApiError where the API refuses one."""

    def __init__(self, session: Callable[[], Session]) -> None:
        """`session` gives the open session, or raises."""
        self._session = session

    def change(self, kind: str, **spec: object) -> None:
        """Ask for other values in the spec of our claim, deployment or stateful_set."""
        manifest = deepcopy(getattr(self._session().objects, kind))
        manifest["spec"].update(spec)
        self._session().cluster.apply(manifest, self._session().namespace, dry_run=True)

    def change_template(self, size: str) -> None:
        """Ask for another size in the StatefulSet's claim template."""
        template = deepcopy(self._session().objects.stateful_set["spec"]["volumeClaimTemplates"])
        template[0]["spec"]["resources"]["requests"]["storage"] = size
        self.change("stateful_set", volumeClaimTemplates=template)

    def create_claim(self, name: str, **spec: object) -> None:
        """Ask for one more claim of this name."""
        manifest = deepcopy(self._session().objects.claim)
        manifest["metadata"]["name"] = name
        manifest["spec"].update(spec)
        self._session().cluster.create(manifest, self._session().namespace, dry_run=True)

    def delete_exactly(self, pod: Pod) -> None:
        """Delete a pod only if it is still this very one, by its uid."""
        self._session().cluster.delete("Pod", pod.name, pod.namespace, uid=pod.uid)
