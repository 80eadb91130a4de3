"""The pod's program fails, or does not become ready; its disks are mounted.

What it is
    The kubelet starts containers after it has mounted all volumes, so attaching and mounting went well. The program
    ends again, cannot be started, wants a ConfigMap or Secret that is not there, or does not answer its readiness
    probe. What is on the disk can still be its reason: a full file system, or files of another owner.

How it is recognised
    States: a container waits with CrashLoopBackOff, RunContainerError, CreateContainerError or
    CreateContainerConfigError, or has ended with an error; or all run and the pod is not Ready for ten minutes.

What it is not
    An image that cannot be pulled (`image`). A pod whose volumes are not mounted yet (`starting`, `attach-slow`).

Next
    `kubectl logs --previous` shows what the program said last.

Links
    https://kubernetes.io/docs/tasks/debug/debug-application/debug-running-pod/
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case, said
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.causes.starting import PATIENCE, last_step
from aksdisks.inspection.diagnosis.rows import duration, kubectl, pod_row
from aksdisks.model import ContainerState, Pod

_REASONS = frozenset(
    {
        "CrashLoopBackOff",
        "RunContainerError",
        "CreateContainerError",
        "CreateContainerConfigError",
        "CreatePodSandboxError",
        "PostStartHookError",
        "ContainerCannotRun",
        "StartError",
        "OOMKilled",
        "Error",
    }
)


def _rule(case: Case) -> Match | None:
    pod = case.pod
    if case.kind != "Pod" or pod is None or pod.deleting or not pod.node:
        return None
    failing = [each for each in pod.container_states if not each.running and each.reason in _REASONS]
    if failing:
        return _match(case, pod, failing[0], _how(failing[0]))
    if pod.status.removeprefix("Init:") in _REASONS:
        return _match(case, pod, None, f"its program fails ({pod.status})")
    return _unready(case, pod)


def _how(state: ContainerState) -> str:
    code = f" with exit code {state.exit_code}" if state.exit_code is not None else ""
    last = f", last ended as {state.ended}{code}" if state.ended else code
    words = " ".join(state.message.split())[:200]
    kind = "init container" if state.init else "container"
    times = f", restarted {state.restarts} times" if state.restarts > 1 else ""
    return f"{kind} {state.name} fails ({state.reason}{last}{times})" + (f": {words}" if words else "")


def _unready(case: Case, pod: Pod) -> Match | None:
    """All containers run, and the pod is not Ready for longer than probes usually take."""
    states = [each for each in pod.container_states if not each.init]
    if pod.ready or not states or not all(each.running for each in states):
        return None
    age = case.seen.age(last_step(case, pod))
    if age is None or age < PATIENCE:
        return None
    waiting = next((each for each in states if not each.ready), None)
    what = f"container {waiting.name} runs and does not become ready" if waiting else "it runs and is not Ready"
    return _match(case, pod, waiting, f"{what}, for {duration(age)}", certain=False)


def _match(case: Case, pod: Pod, state: ContainerState | None, because: str, *, certain: bool = True) -> Match:
    told = case.seen.events_of(pod, "BackOff", "Failed", "Unhealthy")
    container = f" --container {state.name}" if state else ""
    previous = " --previous" if state and state.restarts else ""
    return Match(
        because=because,
        evidence=(pod_row(pod), *map(said, told[-2:])),
        next=(kubectl(f"logs {pod.name}{container}{previous}", pod, "what the program said"),),
        confidence="certain" if certain else "likely",
    )


CAUSE = Cause(
    id="crash", verdict="problem", rule=_rule, kinds=("Pod",), page=__doc__, of_pod=True, over=("starting", "unknown")
)
