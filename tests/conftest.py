"""What every test may ask for: a lab of its own or the shared one, the environment to reach it, and a session."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from aksdisks.lab.server import process
from aksdisks.lab.server.process import LabState
from aksdisks.parameters import Parameters, validate

if TYPE_CHECKING:
    from aksdisks.session.session import Session

SPEED = 100.0


@pytest.fixture(scope="session", autouse=True)
def _nothing_of_the_callers() -> Iterator[None]:
    """No test sees the parameters, the cluster or the Azure of the shell that started it."""
    for_tests = {"AKSDISKS_SCREENSHOTS", "AKSDISKS_AZ_VENV"}
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ.keys() - for_tests:
            if name == "KUBECONFIG" or name.startswith(("AKSDISKS_", "AZURE_")):
                patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabState]:
    """The lab that tests share; they keep to namespaces of their own and leave nothing behind."""
    state = process.start(tmp_path_factory.mktemp("lab"), SPEED, parent=os.getpid())
    yield state
    process.stop(state.state_dir)


@pytest.fixture(scope="session")
def lab_environment(lab: LabState, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The variables of a user's shell after `eval "$(aksdisks lab env)"`, with caches of their own."""
    return os.environ | lab.environment() | {"KUBECACHEDIR": str(tmp_path_factory.mktemp("kube-cache"))}


@pytest.fixture
def start_lab(tmp_path: Path) -> Iterator[Callable[..., LabState]]:
    """Starts labs for tests that break them; stops those that still run."""
    started: list[LabState] = []

    def start(directory: str = "lab", **options: object) -> LabState:
        chosen: dict[str, Any] = {"speed": SPEED, "parent": os.getpid()} | options
        state = process.start(tmp_path / directory, **chosen)
        started.append(state)
        return state

    yield start
    for state in started:
        if process.status(state.state_dir):
            process.stop(state.state_dir)


@pytest.fixture
def on_lab(lab: LabState, monkeypatch: pytest.MonkeyPatch) -> Parameters:
    """Default parameters, and the environment in which their target `lab` is the shared one."""
    monkeypatch.setenv("AKSDISKS_STATE_DIR", lab.state_dir)
    return Parameters()


@pytest.fixture
def as_aks(lab: LabState, monkeypatch: pytest.MonkeyPatch, tmp_path) -> Callable[..., Parameters]:
    """Parameters of target `aks` that point at the shared lab, on a machine whose proxies and bundles lead nowhere."""
    for name in list(os.environ):
        if name.startswith(("AZURE_", "AKSDISKS_")) or name.lower() == "no_proxy":
            monkeypatch.delenv(name)
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"):
        monkeypatch.setenv(name, lab.environment()[name])
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    bundle = tmp_path / "other.pem"
    bundle.write_text("")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def parameters(**changes: object) -> Parameters:
        context = yaml.safe_load(Path(lab.kubeconfig).read_text())["current-context"]
        values = {
            "target": "aks",
            "kubeconfig": lab.kubeconfig,
            "context": context,
            "arm_endpoint": lab.arm_url,
            "authority": lab.authority,
            "ca_bundle": lab.ca_bundle,
        }
        return validate(values | changes)

    return parameters


@pytest.fixture
def session(on_lab: Parameters) -> Iterator[Session]:
    """A session in a namespace of its own, cleaned up afterwards."""
    from aksdisks.session.session import open_session

    with open_session(on_lab) as opened:
        yield opened
        assert opened.clean_up().complete


QUICK = (
    "azure/test_refusals.py",
    "cli/test_orphan_listing.py",
    "inspection",
    "lab/arm",
    "lab/client",
    "lab/controllers",
    "lab/kube",
    "lab/test_lifecycles.py",
    "lab/test_versions.py",
    "manifests",
    "model",
    "prices",
    "runbooks/test_shape.py",
    "session/test_cleanup.py",
    "session/test_disk_removal.py",
    "test_article.py",
    "test_guides.py",
    "test_parameters.py",
    "test_quantities.py",
    "test_contributing.py",
    "test_shape_of_code.py",
    "test_waiting.py",
    "views",
    "walkthrough/test_proof.py",
)
# The fixtures that start one; tests of `faulty` and `lab_answers` have a lab of their own.
STARTS_A_LAB = {"lab", "start_lab", "own_lab", "whole", "lab_answers", "faulty", "made", "linted"}


def pytest_xdist_auto_num_workers() -> int:
    """Two workers more than there are processors: three kept two of them busy for four fifths of the time."""
    return (os.cpu_count() or 1) + 2


def pytest_configure(config: pytest.Config) -> None:
    """Of several workers each begins to collect elsewhere: it compiles other tests than the others, and finds theirs.

    All collect all tests, which they compile first on a new machine, and so each compiled each.
    """
    worker = getattr(config, "workerinput", None)
    if worker and config.args == config.getini("testpaths"):
        number, count = int(worker["workerid"].removeprefix("gw")), worker["workercount"]
        files = sorted(Path(__file__).parent.rglob("test_*.py"))
        first = len(files) * number // count
        config.args = [*config.args[:-1], *map(str, files[first:] + files[:first])]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks as quick what stands in these rooms and starts no lab; gives all workers the same order.

    Files that are quick as a whole come last: with them no worker is left for long while the others have ended.
    """
    rooms = tuple(f"{Path(__file__).parent / room}{'' if room.endswith('.py') else os.sep}" for room in QUICK)
    waiting = set()
    for item in items:
        if item.get_closest_marker("slow"):
            continue
        fixtures = set(getattr(item, "fixturenames", STARTS_A_LAB))
        if str(item.path).startswith(rooms) and not STARTS_A_LAB & fixtures:
            item.add_marker("quick")
        else:
            waiting.add(item.path)
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: (item.path.suffix == ".py", item.path not in waiting, item.path))
