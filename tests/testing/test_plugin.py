"""The pytest plugin in a pytest of its own: what its fixtures give, what its marker does, what its loading costs."""

import os
import subprocess
import sys

import pytest

from tests.programs import needs

_CONFTEST = """
import pytest

@pytest.fixture(scope="session")
def aks_lab_options():
    return {"speed": 300, "scenario": "three-zones"}

@pytest.fixture(scope="module")
def shop(aks_lab_module):
    return aks_lab_module.faults()
"""

_TESTS = """
import os, subprocess
import pytest

seen = set()

def test_own(aks_lab):
    assert (aks_lab.speed, aks_lab.scenario) == (300, "three-zones")
    nodes = ["kubectl", "get", "nodes", "-o", "name"]
    env = os.environ | aks_lab.environment
    assert subprocess.run(nodes, env=env, capture_output=True, text=True, timeout=60).stdout.count("node/") == 3
    seen.add(aks_lab.kube_url)
    aks_lab.stop()

@pytest.mark.aks_fault("throttled")
@pytest.mark.aks_fault("zone-empty", "zone/1", rate=0.5)
def test_faults_are_on_in_the_test_and_not_in_its_fixtures(aks_lab_module, shop):
    assert shop == ()
    assert aks_lab_module.faults() == ("throttled", "zone-empty")
    aks_lab_module.fault("detach-fails")
    seen.add(aks_lab_module.kube_url)

def test_they_end_with_the_test(aks_lab_module, aks_lab_session):
    assert aks_lab_module.faults() == ()
    assert aks_lab_module.kube_url in seen
    assert aks_lab_session.kube_url not in seen

@pytest.mark.aks_fault("throttled")
def test_fault_by_way_of_another_fixture(shop, request):
    assert request.getfixturevalue("aks_lab_module").faults() == ("throttled",)

@pytest.mark.aks_fault("detach-stick")
def test_unknown_fault(aks_lab_module):
    raise AssertionError("it ran")

@pytest.mark.aks_fault("throttled", 1, 2, 3)
def test_bad_arguments(aks_lab_module):
    raise AssertionError("it ran")

@pytest.mark.aks_fault("throttled")
def test_no_lab():
    raise AssertionError("it ran")
"""


@needs("kubectl")
def test_fixtures_and_marker(tmp_path):
    (tmp_path / "conftest.py").write_text(_CONFTEST)
    (tmp_path / "test_shop.py").write_text(_TESTS)
    command = [sys.executable, "-m", "pytest", "-p", "aksdisks.testing.plugin", "-p", "no:cacheprovider", "-Werror"]
    command += ["--strict-markers", "--rootdir", str(tmp_path), "-rf", str(tmp_path)]
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "COLUMNS": "400"}
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    failed = [line for line in ran.stdout.splitlines() if line.startswith("FAILED ")]
    fixtures = "aks_lab, aks_lab_module, aks_lab_session"
    assert "3 failed, 4 passed" in ran.stdout, ran.stdout
    assert failed[0].startswith(
        "FAILED test_shop.py::test_unknown_fault - Failed: aks_fault: fault: did you mean detach-stuck?"
    )
    assert failed[1].startswith("FAILED test_shop.py::test_bad_arguments - Failed: aks_fault: Lab.fault() takes")
    assert failed[2] == (
        f"FAILED test_shop.py::test_no_lab - Failed: aks_fault: expected one of the fixtures {fixtures}, found none"
    )


_COST = """
import sys, time
import pytest, _pytest.fixtures, typing
before, start = set(sys.modules), time.perf_counter()
import aksdisks.testing.plugin
print(time.perf_counter() - start)
print(*{name.partition(".")[0] for name in set(sys.modules) - before})
"""


def test_loading_costs_at_most_20_ms_and_loads_nothing_besides():
    command: list[str] = [sys.executable, "-c", _COST]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True, timeout=60) for _ in range(5)]
    answers = [run.stdout.splitlines() for run in runs]
    assert {answer[1] for answer in answers} == {"aksdisks"}
    assert min(float(answer[0]) for answer in answers) < 0.02


def test_the_installed_package_names_it_to_pytest():
    from importlib.metadata import entry_points

    named = [entry.value for entry in entry_points(group="pytest11") if entry.name == "aksdisks"]
    if not named:
        pytest.fail(
            "pytest11: expected an entry point aksdisks, found none (install the package anew: pip install -e .)"
        )
    assert named == ["aksdisks.testing.plugin"]
