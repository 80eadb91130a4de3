"""The one flat set of parameters: its schema, and how a file, flags or a notebook's cell become it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Literal, get_origin
from urllib.parse import urlsplit

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from aksdisks.errors import InputError, ParameterError, did_you_mean
from aksdisks.quantities import parse_quantity

# Understood by pydantic and by editors that check with the JSON schema. A bare $ would let a last line break through.
_NAMESPACE = r"^(?!default$|kube-)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$(?!\n)"
_RUN_ID = r"^([a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?)?$(?!\n)"
_SECRET = re.compile(r"secret$|password|token|_key$", re.IGNORECASE)
# An error need not repeat more characters of a value.
_SHOWN = 200
_SIMPLE = (str, int, float, bool, list, dict, tuple)
# Any parameter may also come from the environment: AKSDISKS_PARAM_SIZE=32Gi.
_VARIABLE = "AKSDISKS_PARAM_"


def _p(default: Any, expected: str, description: str, unit: str = "", **limits: Any) -> Any:
    """A field with its words for errors (`expected`) and for people (`description`, `unit`)."""
    return Field(default, description=description, json_schema_extra={"expected": expected, "unit": unit}, **limits)


def _seconds(default: float, description: str) -> Any:
    """A duration; no longer than a Lease, of which a wait makes one, can last."""
    return _p(default, "a number above 0, at most 1e6", description, "cluster seconds", gt=0, le=1e6)


def _whole_seconds(default: float, description: str) -> Any:
    """A duration that nbclient counts in whole seconds, and takes 0 of them for no limit."""
    return _p(default, "a number from 1 to 1e6", description, "cluster seconds", ge=1, le=1e6)


def _switch(value: Any) -> Any:
    # YAML 1.1 reads a bare on or off as a boolean.
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else value


def _quantity(value: str) -> str:
    if value:
        parse_quantity(value)
    return value


def _above_zero(value: str) -> str:
    if parse_quantity(value) <= 0:
        raise ValueError("not above 0")
    return value


def _patterns(value: dict[str, str]) -> dict[str, str]:
    for expression in value.values():
        try:
            empty = re.search(expression, "")
        except re.error as error:
            raise ValueError("not a regular expression") from error
        if empty:
            raise ValueError("it is found everywhere")
    return value


def _https(value: str) -> str:
    # azure-core sends no token over http (facts F), and would say so only in the middle of a run.
    if value and not (value.startswith("https://") and urlsplit(value).hostname):
        raise ValueError("not https")
    return value


_Switch = Annotated[Literal["on", "off"], BeforeValidator(_switch)]
_Size = Annotated[str, AfterValidator(_above_zero)]
_Quantity = Annotated[str, AfterValidator(_quantity)]
_Patterns = Annotated[dict[str, str], AfterValidator(_patterns)]
_Url = Annotated[str, AfterValidator(_https)]


class Parameters(BaseModel):
    """Every parameter of every runbook; the defaults are the lab's and equal the article. Never holds a secret."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, regex_engine="python-re", allow_inf_nan=False)

    target: Literal["lab", "aks"] = _p("lab", "lab or aks", "what the runbooks run on")
    speed: float = _p(
        100.0, "a number above 0", "lab: how much faster than a cluster", "cluster seconds per second", gt=0
    )
    scenario: str = _p("regional", "a scenario's name or file", "lab: nodes, zones, classes and delays")
    cluster: Literal["kubeconfig", "in-cluster"] = _p("kubeconfig", "kubeconfig or in-cluster", "aks: how to get in")
    kubeconfig: str = _p("", "a path", "aks: kubeconfig file; empty: KUBECONFIG, else ~/.kube/config")
    context: str = _p("", "a context of the kubeconfig", "aks with kubeconfig: the context, required")
    expect: str = _p("", "an API server URL or an ARM id", "the API server's URL, the cluster's or the node group's id")
    azure: _Switch = _p("on", "on or off", "off: Azure is not asked, its checks are inconclusive")
    arm_endpoint: _Url = _p("", "an https URL", "Azure Resource Manager; empty: the public cloud")
    authority: _Url = _p("", "an https URL", "where tokens come from; empty: AZURE_AUTHORITY_HOST, the public cloud")
    ca_bundle: str = _p("", "a file with certificates", "whom to trust for ARM and tokens; empty: the system's")
    namespace: str = _p(
        "create",
        "create, or a prepared namespace",
        "create makes one for the run; not default, kube-*",
        pattern=_NAMESPACE,
    )
    allow_retain: bool = _p(False, "true or false", "accept a class that keeps volumes, and their cost, after the run")
    storage_class: str = _p("managed-premium", "a StorageClass's name", "the class of every claim", min_length=1)
    file_class: str = _p(
        "azurefile-csi", "a StorageClass's name", "the class of the files that runbook 13 shares", min_length=1
    )
    size: _Size = _p("25Gi", "a quantity above 0, such as 25Gi", "the size of every claim", "bytes, as a quantity")
    deployment_replicas: int = _p(4, "a whole number from 2 to 50", "pods after scaling out", ge=2, le=50)
    stateful_replicas: int = _p(5, "a whole number from 1 to 50", "pods of the stateful set", ge=1, le=50)
    image: str = _p("vplauzon/get-started:part2-no-redis", "an image reference", "the pods' image", min_length=1)
    command: list[str] = _p([], "a list of texts", "what the image runs instead of its own entrypoint; empty: that")
    fs_group: int = _p(
        0,
        "a whole number from 0 to 2147483647",
        "the group that may write to the disks; 0: none, or with security restricted the pods' own, 10001",
        ge=0,
        le=2**31 - 1,
    )
    node_selector: dict[str, str] = _p({}, "a mapping of labels", "labels that a node must have")
    tolerations: list[dict[str, str | int | None]] = _p([], "a list of tolerations", "as in a pod's spec")
    cpu_request: _Quantity = _p(
        "", "a quantity such as 50m, or empty", "CPU that each pod asks for", "cores, as a quantity"
    )
    memory_request: _Quantity = _p(
        "", "a quantity such as 64Mi, or empty", "memory that each pod asks for, and its limit", "bytes"
    )
    security: Literal["restricted", "none"] = _p("none", "restricted or none", "restricted passes that security level")
    node_pool: str = _p(
        "", "a node pool's name", "aks: the pool of which runbook 06 may stop a machine; empty: of none"
    )
    make_disks: bool = _p(
        False,
        "true or false",
        "aks: runbooks 08 and 09 may make, and delete, disks, snapshots and volumes of their own",
    )
    pull_secret: str = _p("", "a Secret's name", "the Secret to pull the image with, already in the namespace")
    wait_timeout: float = _seconds(900.0, "how long a wait may last")
    step_deadline: float = _whole_seconds(1800.0, "how long a cell may take")
    runbook_deadline: float = _seconds(3600.0, "how long a runbook may take")
    run_deadline: float = _seconds(7200.0, "how long the whole run may take")
    teardown_deadline: float = _seconds(900.0, "how long the clean-up may take")
    redact: _Patterns = _p({}, "names with regular expressions", "what else is taken out of the evidence, by name")
    run_id: str = _p(
        "", "lower-case letters, digits and dashes, at most 40", "the run's id; empty: a new one", pattern=_RUN_ID
    )


def validate(values: Mapping[str, Any], sources: Mapping[str, str] | None = None) -> Parameters:
    """Parameters from a mapping; raises ParameterError for the first name or value that cannot be meant.

    `sources` says where a name was written (a file, a flag), for the error.
    """
    for name in values:
        if name not in Parameters.model_fields:
            raise _unknown_name(name, _where(name, sources))
    try:
        parameters = Parameters(**dict(values))
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        found = f"{repr(values[name])[:_SHOWN]}{_where(name, sources)}"
        raise ParameterError(name, expected=expected(name), found=found) from error
    if parameters.target == "aks" and parameters.cluster == "kubeconfig" and not parameters.context:
        raise ParameterError("context", expected="a context of the kubeconfig (target is aks)", found="none")
    return parameters


def resolve(
    path: str | Path | None, overrides: Mapping[str, str] | None = None, environment: Mapping[str, str] | None = None
) -> tuple[Parameters, dict[str, str]]:
    """Parameters, and where each that is not a default was written.

    A YAML file (None: the lab's defaults) gives way to AKSDISKS_PARAM_<NAME> of the environment (None: this process's),
    and that to `name=value` texts. The file's command is for the file's image: another image that is laid over it runs
    with its own entrypoint, unless a command is laid over as well. Raises InputError for a file that is missing or no
    mapping, ParameterError for a name or a value.
    """
    values = {} if path is None else _read(Path(path))
    sources = dict.fromkeys(values, str(path))
    variables = os.environ if environment is None else environment
    texts = {
        variable: (variable.removeprefix(_VARIABLE).lower(), text)
        for variable, text in variables.items()
        if variable.startswith(_VARIABLE)
    }
    image = values.get("image")
    for source, (name, text) in [*texts.items(), *(("-p", item) for item in (overrides or {}).items())]:
        values[name] = _from_text(name, text)
        sources[name] = source
    if values.get("image") != image and sources.get("command") == str(path):
        del values["command"], sources["command"]
    return validate(values, sources), sources


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a parameter file, for editors; parameters/schema.json is this."""
    schema = Parameters.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "aksdisks parameters"}


def from_namespace(names: Mapping[str, Any]) -> Parameters:
    """Parameters from a notebook's `globals()`: the known names, the defaults for the rest.

    A public name of a simple type that is nearly a parameter's is taken for a misspelling: ParameterError.
    """
    known = ((name, names[name]) for name in Parameters.model_fields if name in names)
    # `import azure` binds a parameter's name to something that is no value.
    values = {name: value for name, value in known if not isinstance(value, ModuleType)}
    for name, value in names.items():
        if name in values or name.startswith("_") or not isinstance(value, _SIMPLE):
            continue
        if get_close_matches(name, Parameters.model_fields, n=1, cutoff=0.85):
            raise _unknown_name(name, " in the notebook")
    return validate(values)


def expected(name: str) -> str:
    """What a parameter's value must be, in words."""
    extra = Parameters.model_fields[name].json_schema_extra
    return str(extra["expected"]) if isinstance(extra, dict) else ""


def _where(name: str, sources: Mapping[str, str] | None) -> str:
    return f" in {sources[name]}" if sources and name in sources else ""


def _unknown_name(name: str, where: str) -> ParameterError:
    if _SECRET.search(name):
        hint = "secrets are read from the environment (AZURE_CLIENT_SECRET) or the kubeconfig, never from parameters"
    else:
        hint = did_you_mean(name, Parameters.model_fields)
    return ParameterError(name, expected="a parameter's name", found=f"an unknown one{where}", hint=hint)


class _OnceLoader(yaml.SafeLoader):
    """YAML in which a key stands once: of two values one would be lost unnoticed."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key.value, str) and key.value in seen:
                raise yaml.constructor.ConstructorError(problem=f"{key.value!r} again", problem_mark=key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


def _yaml(text: str) -> Any:
    """What a YAML text says; raises yaml.YAMLError also where the loader ends with an error of Python's."""
    try:
        return yaml.load(text, _OnceLoader)  # a SafeLoader
    except (ValueError, RecursionError) as error:
        raise yaml.MarkedYAMLError(problem=str(error)) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise InputError(object=f"{path}", expected="a readable YAML file", cause=f"{reason}") from error
    try:
        content = _yaml(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
        what = {"found": f"in line {mark.line + 1}: {problem}"} if mark else {"cause": problem}
        raise InputError(object=f"{path}", expected="YAML", **what) from error
    if content is None:
        return {}
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
        raise InputError(object=f"{path}", expected="a mapping of parameters", found=f"{type(content).__name__}")
    return content


def _from_text(name: str, text: str) -> Any:
    """A flag's text as the field's type wants it: texts as they are, all else as YAML reads it."""
    field = Parameters.model_fields.get(name)
    if field is None or field.annotation is str or get_origin(field.annotation) is Literal:
        return text
    try:
        return _yaml(text)
    except yaml.YAMLError:
        return text
