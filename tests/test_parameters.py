"""Parameters: what is accepted, and the one line that says why something is not."""

import json
import re
from pathlib import Path

import pytest
import yaml

from aksdisks.errors import InputError, ParameterError
from aksdisks.parameters import Parameters, expected, from_namespace, json_schema, resolve

ROOT = Path(__file__).parents[1]


def written(tmp_path, text):
    path = tmp_path / "p.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sise: 3Gi", "sise: expected a parameter's name, found an unknown one in {path} (did you mean 'size'?)"),
        ("size: 25", "size: expected a quantity above 0, such as 25Gi, found 25 in {path}"),
        ("size: -1Gi", "size: expected a quantity above 0, such as 25Gi, found '-1Gi' in {path}"),
        ("deployment_replicas: four", "deployment_replicas: expected a whole number from 2 to 50, found 'four'"),
        ("deployment_replicas: 4.5", "deployment_replicas: expected a whole number from 2 to 50, found 4.5"),
        ("allow_retain: 'no'", "allow_retain: expected true or false, found 'no'"),
        ("speed: 0", "speed: expected a number above 0, found 0"),
        ("step_deadline: 0.5", "step_deadline: expected a number from 1 to 1e6, found 0.5"),
        ("target: gke", "target: expected lab or aks, found 'gke'"),
        ("target: aks", "context: expected a context of the kubeconfig (target is aks), found none"),
        ("namespace: default", "namespace: expected create, or a prepared namespace, found 'default'"),
        ("namespace: kube-system", "namespace: expected create, or a prepared namespace, found 'kube-system'"),
        ("namespace: Bad_Name", "namespace: expected create, or a prepared namespace, found 'Bad_Name'"),
        ("arm_endpoint: http://127.0.0.1:1", "arm_endpoint: expected an https URL, found 'http://127.0.0.1:1'"),
        (
            "client_secret: hunter2",
            "client_secret: expected a parameter's name, found an unknown one in {path} (secrets",
        ),
        ("node_selector: [a]", "node_selector: expected a mapping of labels, found ['a']"),
        ("command: sleep", "command: expected a list of texts, found 'sleep'"),
        ("fs_group: -1", "fs_group: expected a whole number from 0 to 2147483647, found -1"),
        ("run_id: Über", "run_id: expected lower-case letters, digits and dashes, at most 40, found 'Über'"),
        ("- target", "{path}: expected a mapping of parameters, found list"),
        ("a: [", "{path}: expected YAML, found in line 1"),
    ],
)
def test_a_bad_file_is_one_line_with_name_expected_and_found(tmp_path, text, message):
    path = written(tmp_path, text)
    with pytest.raises(InputError) as caught:
        resolve(path)
    assert str(caught.value).startswith(message.format(path=path))
    assert "hunter2" not in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_a_file_that_cannot_be_read(tmp_path, name):
    with pytest.raises(InputError, match="expected a readable YAML file"):
        resolve(tmp_path / name)


def test_flags_win_over_the_file_and_are_read_as_the_field_wants_them(tmp_path):
    path = written(tmp_path, "size: nonsense\nazure: off\n")
    flags = {"size": "1Gi", "stateful_replicas": "3", "node_selector": "{a: b}", "run_id": "1234", "speed": "50"}
    parameters, _ = resolve(path, flags)
    assert (parameters.size, parameters.stateful_replicas, parameters.node_selector) == ("1Gi", 3, {"a": "b"})
    assert (parameters.run_id, parameters.speed, parameters.azure) == ("1234", 50.0, "off")
    with pytest.raises(ParameterError, match="found 'x' in -p"):
        resolve(path, {"size": "1Gi", "speed": "x"})


def test_a_notebooks_names_become_parameters_and_misspellings_are_caught():
    assert from_namespace({"size": "8Gi", "In": [], "_dh": ["x"], "other": object()}).size == "8Gi"
    with pytest.raises(ParameterError, match=r"storag_class.*did you mean 'storage_class'"):
        from_namespace({"storag_class": "x"})


def test_the_shipped_files_hold():
    assert resolve(ROOT / "parameters/lab.yaml")[0] == Parameters()
    example = ROOT / "parameters/aks.example.yaml"
    assert resolve(example)[0].security == "restricted"
    text = example.read_text()
    assert set(Parameters.model_fields) - set(yaml.safe_load(text)) == {"run_id", "speed", "scenario"}
    # Whoever fills it in by sed, and whoever reads the README's command off it, counts on these.
    assert [len(re.findall(f"^{name}: \\S", text, re.MULTILINE)) for name in ("context", "expect")] == [1, 1]
    assert re.search(r"^python3 -m venv \S+ && .*pytest$", (ROOT / "README.md").read_text(), re.MULTILINE)


def test_every_parameter_says_what_it_is_and_what_it_must_be():
    for name, field in Parameters.model_fields.items():
        assert field.description and expected(name), name
    assert Parameters.model_json_schema()["properties"]["size"]["description"]


def test_the_schema_for_editors_is_that_of_the_code() -> None:
    assert json.loads((ROOT / "parameters" / "schema.json").read_text()) == json_schema()


def test_a_flag_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("size: 1Gi\nspeed: 10\nstateful_replicas: 2\n")
    environment = {"AKSDISKS_PARAM_SIZE": "2Gi", "AKSDISKS_PARAM_SPEED": "20"}
    values, sources = resolve(file, {"size": "3Gi"}, environment)
    assert (values.size, values.speed, values.stateful_replicas) == ("3Gi", 20, 2)
    assert sources == {"size": "-p", "speed": "AKSDISKS_PARAM_SPEED", "stateful_replicas": str(file)}


@pytest.mark.parametrize(
    ("flags", "environment", "image", "command"),
    [
        ({}, {}, "a", ["wait"]),
        ({"image": "b"}, {}, "b", []),
        ({}, {"AKSDISKS_PARAM_IMAGE": "b"}, "b", []),
        ({"image": "a"}, {"AKSDISKS_PARAM_IMAGE": "b"}, "a", ["wait"]),
        ({"image": "b", "command": "[sleep, '1']"}, {}, "b", ["sleep", "1"]),
        ({"image": "b"}, {"AKSDISKS_PARAM_COMMAND": "[sleep]"}, "b", ["sleep"]),
        ({"command": "[]"}, {}, "a", []),
    ],
)
def test_the_files_command_is_for_the_files_image(tmp_path, flags, environment, image, command) -> None:
    values, sources = resolve(written(tmp_path, "image: a\ncommand: [wait]\n"), flags, environment)
    assert (values.image, values.command) == (image, command)
    assert ("command" in sources) is bool(command or "command" in flags)


def test_an_unknown_name_in_the_environment_is_refused() -> None:
    with pytest.raises(ParameterError) as refusal:
        resolve(None, {}, {"AKSDISKS_PARAM_SIZES": "2Gi"})
    assert str(refusal.value) == (
        "sizes: expected a parameter's name, found an unknown one in AKSDISKS_PARAM_SIZES (did you mean 'size'?)"
    )
