"""Which cluster a command that only reads goes to: parameters, a context, the current context, else the running lab."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, replace

from aksdisks.errors import InputError, NotReachable, ParameterError
from aksdisks.parameters import Parameters
from aksdisks.targets.kubeconfig import contexts
from aksdisks.targets.target import TargetSettings, open_target


@dataclass(frozen=True, slots=True)
class Choice:
    """The cluster that was chosen: what people call it, how to reach it, the namespace of its context."""

    name: str
    parameters: Parameters
    settings: TargetSettings
    namespace: str


def choose(parameters: Parameters | None = None, context: str = "", file: str = "") -> Choice:
    """The parameters' cluster (read from `file`, which names it), else the context's, the current one's, the lab's.

    Raises InputError for a context that is not there, for a kubeconfig that cannot be used, and where there is no
    cluster at all; NotReachable where parameters name the lab and none runs.
    """
    if parameters is not None:
        namespace = _namespace(parameters) if parameters.namespace == "create" else parameters.namespace
        which = "the running lab" if parameters.target == "lab" else parameters.context or "in-cluster"
        return Choice(f"{which}, by {file}", parameters, open_target(parameters), namespace)
    context = context or contexts().current
    if context:
        named = {"target": "aks", "context": context}
        parameters = Parameters().model_copy(update=named)
        settings = replace(open_target(parameters), time_scale=time_scale())
        return Choice(f"context {context} of {contexts().where}", parameters, settings, _namespace(parameters))
    try:
        settings = open_target(Parameters())
    except NotReachable as error:
        expected = f"a context in {contexts().where}, or a lab that runs"
        hint = "--context NAME, -f FILE, or `aksdisks lab start`"
        raise InputError(object="cluster", expected=expected, found="neither", hint=hint) from error
    return Choice("the running lab", Parameters(), settings, "default")


def time_scale() -> float:
    """AKSDISKS_TIME_SCALE: cluster seconds in one real second, 1 where it is not set; raises ParameterError."""
    text = os.environ.get("AKSDISKS_TIME_SCALE") or "1"
    try:
        scale = float(text)
    except ValueError:
        scale = 0.0
    if not (scale > 0 and math.isfinite(scale)):
        raise ParameterError("AKSDISKS_TIME_SCALE", expected="a number above 0", found=repr(text))
    return scale


def _namespace(parameters: Parameters) -> str:
    """The namespace of the parameters' context, as kubectl takes it."""
    if parameters.target == "lab" or parameters.cluster == "in-cluster":
        return "default"
    known = contexts(parameters.kubeconfig)
    return known.namespaces.get(parameters.context or known.current) or "default"
