"""Times what people wait for, each against something measured in the same run: `python -m tests.benchmarks`."""

from __future__ import annotations

import argparse
import compileall
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

import nbformat

import aksdisks
from aksdisks.lab.server import process
from aksdisks.runner import shipped
from tests.benchmarks import api, custom, diagnosis, fleet, inventory, large, manifests, site

BARE = "import kubernetes, azure.mgmt.compute, azure.identity, pandas"
LIBRARIES = "import aiohttp.web, cryptography.x509, orjson, jsonpatch, yaml"
AKSDISKS = [str(Path(sys.executable).with_name("aksdisks"))]


def main() -> None:
    """Run the benchmarks named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; default: all")
    parser.add_argument("--rounds", type=int, default=3, help="the median of so many rounds is shown")
    parser.add_argument("--pods", type=int, default=fleet.PODS, help="of the fleet; a multiple of 100")
    parser.add_argument("--nodes", type=int, default=fleet.NODES, help="of the fleet")
    arguments = parser.parse_args()
    BENCHMARKS["fleet"] = partial(a_fleet, pods=arguments.pods, nodes=arguments.nodes)
    print(f"{'benchmark':<10} {'ours':>12} {'against':>12} {'ratio':>7} {'target':>16}  what")
    for name in arguments.names or BENCHMARKS:
        BENCHMARKS[name](arguments.rounds)


def walk(rounds: int) -> None:
    """`aksdisks run` against six bare papermill runs of a notebook that only imports."""
    _run("run", (), 6, rounds, "<= 1.5 x")


def walk_all(rounds: int) -> None:
    """The runbooks that break nothing and run nothing beside them, against as many bare papermill runs."""
    long = ("06", "07", "12")
    names = [path.stem[:2] for path in shipped.runbooks() if path.stem[:2] not in long]
    _run("run-all", names, len(names), rounds, "<= 0.9 x")


def _run(benchmark: str, names: Sequence[str], count: int, rounds: int, target: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(BARE)])
        notebook.metadata.kernelspec = {"name": "python3", "language": "python", "display_name": "Python 3"}
        nbformat.write(notebook, Path(folder) / "bare.ipynb")
        bare = [sys.executable, "-m", "papermill", "--no-progress-bar", f"{folder}/bare.ipynb", f"{folder}/out.ipynb"]
        ours, theirs = [], []
        for _ in range(rounds):
            theirs.append(sum(seconds(lambda: call(bare)) for _ in range(count)))
            ours.append(seconds(lambda: call([*AKSDISKS, "run", *names, "-q", "-o", f"{folder}/evidence"])))
    what = f"aksdisks run {' '.join(names) or '(00 to 05)'} : {count} bare papermill runs"
    row(benchmark, statistics.median(ours), statistics.median(theirs), "s", target, what)


def start(rounds: int) -> None:
    """From `aksdisks lab start` to its return and to the first answered `kubectl get nodes`.

    Against Python with the lab's libraries imported, and kubectl on a lab that runs. Modules are compiled before, as
    pip leaves an installed package: where PYTHONDONTWRITEBYTECODE is set, a clone would be compiled at each start.
    """
    compileall.compile_dir(Path(aksdisks.__file__).parent, quiet=1)
    ready, libraries, firsts, later = [], [], [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            call([*AKSDISKS, "lab", "start", "--state-dir", folder])
            ready.append(time.perf_counter() - began)
            state = process.status(Path(folder))
            assert state is not None
            environment = os.environ | state.environment()
            call(["kubectl", "get", "nodes"], environment)
            firsts.append(time.perf_counter() - began)
            later.append(seconds(lambda environment=environment: call(["kubectl", "get", "nodes"], environment)))
            process.stop(Path(folder))
        libraries.append(seconds(lambda: call([sys.executable, "-c", LIBRARIES])))
    row("ready", statistics.median(ready), statistics.median(libraries), "s", "<= 0.7 s", "lab start : its libraries")
    row(
        "start",
        statistics.median(firsts),
        statistics.median(later),
        "s",
        "<= 1.5 s",
        "lab start + get nodes : get nodes",
    )


def memory(_rounds: int) -> None:
    """The lab's resident memory after all runbooks, against Python with the lab's libraries imported."""
    peak = "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    idle = int(subprocess.check_output([sys.executable, "-c", f"{LIBRARIES}; {peak}"])) / 1024
    with tempfile.TemporaryDirectory() as folder:
        state = process.start(Path(folder), speed=100, parent=os.getpid())
        target = Path(folder) / "walk.yaml"
        target.write_text(
            f"target: aks\nkubeconfig: {state.kubeconfig}\ncontext: {state.cluster_name}\n"
            f"arm_endpoint: {state.arm_url}\nauthority: {state.authority}\nca_bundle: {state.ca_bundle}\n"
        )
        call(
            [*AKSDISKS, "run", "--all", "-q", "-f", str(target), "-o", f"{folder}/evidence"],
            os.environ | state.environment(),
        )
        status = Path(f"/proc/{state.pid}/status").read_text()
        resident = int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024
        process.stop(Path(folder))
    row("memory", resident, idle, "MiB", "<= 120 MiB", "lab after all runbooks : its libraries imported")


def help_text(rounds: int) -> None:
    """`aksdisks --help` against an empty Python."""
    ours = statistics.median(seconds(lambda: call([*AKSDISKS, "--help"])) for _ in range(rounds * 3))
    empty = statistics.median(seconds(lambda: call([sys.executable, "-c", ""])) for _ in range(rounds * 3))
    row("help", ours, empty, "s", "<= 0.3 s", "aksdisks --help : an empty Python")


def import_library(rounds: int) -> None:
    """`import aksdisks` against an empty Python, each the median of ten or more, taken by turns."""
    programs: dict[str, list[float]] = {"import aksdisks": [], "pass": []}
    for _ in range(max(10, rounds)):
        for program, times in programs.items():
            times.append(1000 * seconds(lambda program=program: call([sys.executable, "-c", program])))
    ours, empty = (statistics.median(times) for times in programs.values())
    row("import", ours, empty, "ms", "<= 30 ms above", "python -c 'import aksdisks' : an empty Python")


def a_fleet(_rounds: int, pods: int = fleet.PODS, nodes: int = fleet.NODES) -> None:
    """The last fifth of a set's pods with a disk each against the first, one after another; then all at once.

    In calibration loops, so that a machine that is slower for a while does not count. Of pods that are made all at
    once many start together: a hundred of them alone says little, so the whole is compared with the other whole.
    """
    ordered = 0.0
    for policy in ("OrderedReady", "Parallel"):
        found = fleet.measure(policy, pods, nodes)
        loops = found.loops_per_pod()
        if policy == "OrderedReady":
            ordered, fifth = statistics.mean(loops), max(1, len(loops) // 5)
            last, first = statistics.mean(loops[-fifth:]), statistics.mean(loops[:fifth])
            row("fleet", last, first, "", "<= 1.2 x", "CPU for a pod, in loops: the last fifth : the first")
        else:
            row("fleet", statistics.mean(loops), ordered, "", "<= 1.2 x", "CPU for a pod, in loops: at once : in order")
        for what, values, digits in (
            ("CPU ms", found.cpu_per_pod(), 0),
            ("loop ms", [1000 * loop for loop in found.loops], 2),
            ("CPU in loops", loops, 2),
            ("wall ms", found.per_pod(), 0),
        ):
            print(f"{'':<10} {policy}, {what} by hundreds: {' '.join(f'{value:.{digits}f}' for value in values)}")
        took = f"{found.passed[-1]:.1f} s, {found.used[-1]:.1f} s of CPU"
        size = f"{found.resident_mib:.0f} MiB resident"
        print(f"{'':<10} {policy}, {pods} pods on {nodes} nodes: {took}, speed {fleet.SPEED:.0f}, {size}", flush=True)


def requests(_rounds: int) -> None:
    """Requests per second over TLS, against upstream's kube-apiserver with etcd on two cores."""
    for load, answered in api.measure():
        what = f"{load.method} {load.path}, {load.connections} connections : upstream's"
        row(load.name, answered, load.upstream, "/s", ">= 1 x", what)
    row("api-client", api.limit(), 1.0, "/s", "", "what the client of this benchmark can do : 1")


def custom_resources(_rounds: int) -> None:
    """A request of a custom resource against the same of a ConfigMap."""
    for load, ours, theirs in custom.measure():
        what = f"{load.method} {load.path} : a ConfigMap's"
        row(load.name, 1000 * ours, 1000 * theirs, "ms", "<= 1.3 x", what)


def archive(rounds: int) -> None:
    """`aksdisks evidence list` over 1,000 runs, against an empty Python."""
    document = json.dumps(
        {"version": 1, "target": "aks", "status": "passed", "runbooks": [{"name": "x", "status": "passed"}] * 6}
    )
    with tempfile.TemporaryDirectory() as folder:
        for number in range(1000):
            (Path(folder) / f"nightly-{number:04}").mkdir()
            (Path(folder) / f"nightly-{number:04}" / "run.json").write_text(document)
        ours = statistics.median(
            seconds(lambda: call([*AKSDISKS, "evidence", "list", "-o", folder])) for _ in range(rounds)
        )
    empty = statistics.median(seconds(lambda: call([sys.executable, "-c", ""])) for _ in range(rounds))
    row("archive", ours, empty, "s", "<= 0.5 s", "evidence list of 1,000 runs : an empty Python")


def overhead(rounds: int) -> None:
    """A whole run, against the runbooks in it: evidence, redaction, teardown and reports are the rest."""
    whole, books = [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            call([*AKSDISKS, "run", "-q", "-o", folder])
            (run,) = Path(folder).iterdir()
            document = json.loads((run / "run.json").read_text())
        started, finished = (datetime.fromisoformat(document[key]) for key in ("started", "finished"))
        # From the request for a target to the first runbook the lab starts: that is the target's, not the evidence's.
        books.append(sum(book["seconds"] for book in document["runbooks"]))
        whole.append((finished - started).total_seconds())
    row(
        "overhead",
        statistics.median(whole),
        statistics.median(books),
        "s",
        "<= 1.2 x",
        "a run with its lab : its runbooks",
    )


def diagnose(rounds: int) -> None:
    """`aksdisks diagnose` of a stuck pod against kubectl's describe, and of 10,000 pods against kubectl's lists."""
    ours, theirs = diagnosis.one_pod(max(5, rounds))
    row("diagnose", ours, theirs, "s", "<= 1 s above", "diagnose pod/NAME : kubectl describe pod NAME, small lab")
    with tempfile.TemporaryDirectory() as folder:
        found, listed = diagnosis.whole_cluster(Path(folder))
    row(
        "diagnose",
        found.seconds,
        listed.seconds,
        "s",
        "<= 2 s above",
        f"diagnose -A : kubectl get, {large.PODS} pods",
    )
    row("diagnose", found.mib, listed.mib, "MiB", "<= 1024 MiB", "the same: resident memory at its peak")


def whose_disks(_rounds: int) -> None:
    """`aksdisks inventory` of 10,000 disks, as JSON and as a page, against kubectl's lists of the same objects."""
    with tempfile.TemporaryDirectory() as folder:
        found, page, listed = inventory.whole_cluster(Path(folder))
    row(
        "inventory",
        found.seconds,
        listed.seconds,
        "s",
        "<= 1 x",
        f"inventory -A --format json, {large.PODS} disks : kubectl get -o json of pods, pvc, pv, volumeattachments",
    )
    row("inventory", found.mib, listed.mib, "MiB", "<= 1024 MiB", "the same: resident memory at its peak")
    row("inventory", page.seconds, found.seconds, "s", "<= 5 s above", "the same as HTML : as JSON")
    row("inventory", len(page.printed) / 2**20, len(found.printed) / 2**20, "MiB", "<= 20 MiB", "the HTML : the JSON")


def lint(rounds: int) -> None:
    """`aksdisks lint` of 1,000 manifests, a file each, against PyYAML's C parser on the same files alone."""
    parse = (
        "import pathlib, sys, yaml; files = pathlib.Path(sys.argv[1]).iterdir();"
        "[list(yaml.load_all(file.read_bytes(), yaml.CSafeLoader)) for file in files]"
    )
    with tempfile.TemporaryDirectory() as folder:
        manifests.write(Path(folder))
        ours, theirs = [], []
        for _ in range(rounds):
            ours.append(seconds(lambda: call([*AKSDISKS, "lint", "--fail-on", "never", folder])))
            theirs.append(seconds(lambda: call([sys.executable, "-c", parse, folder])))
    what = f"lint of {manifests.COUNT} manifests : PyYAML's C parser on them"
    row("lint", statistics.median(ours), statistics.median(theirs), "s", "<= 2 s", what)


def build_site(_rounds: int) -> None:
    """`python -m docs.site` against Sphinx on one empty page."""
    took = site.measure()
    row("site", took.site, took.empty, "s", "<= 60 s", f"docs.site, {took.pages} pages : Sphinx on an empty page")


def row(name: str, ours: float, against: float, unit: str, target: str, what: str) -> None:
    """One line of the table."""
    print(
        f"{name:<10} {ours:>9.2f} {unit:<3}{against:>8.2f} {unit:<3} {ours / against:>6.2f} {target:>16}  {what}",
        flush=True,
    )


def seconds(act: Callable[[], object]) -> float:
    """Wall time of one act."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def call(command: list[str], environment: dict[str, str] | None = None) -> None:
    """Run a command; a benchmark of a failure is none."""
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


BENCHMARKS: dict[str, Callable[[int], None]] = {
    "run": walk,
    "run-all": walk_all,
    "start": start,
    "memory": memory,
    "help": help_text,
    "import": import_library,
    "fleet": a_fleet,
    "api": requests,
    "custom": custom_resources,
    "archive": archive,
    "overhead": overhead,
    "diagnose": diagnose,
    "inventory": whose_disks,
    "lint": lint,
    "site": build_site,
}

if __name__ == "__main__":
    main()
