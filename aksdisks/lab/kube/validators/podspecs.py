"""Validation of pods and of the pods that templates describe."""

from __future__ import annotations

from aksdisks.lab.kube import names
from aksdisks.lab.kube.interface import Object
from aksdisks.lab.kube.quantities import parse
from aksdisks.lab.kube.status import Cause
from aksdisks.lab.kube.validators.causes import duplicate, forbidden, invalid, not_found, required, unsupported

_PULL = ("Always", "IfNotPresent", "Never")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_RESTART = ("Always", "Never", "OnFailure")
_DNS = ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")


def pod(obj: Object) -> list[Cause]:
    """A new pod."""
    return spec("spec", obj.get("spec", {}))


def spec(at: str, found: Object) -> list[Cause]:
    """A pod's spec below a field."""
    causes: list[Cause] = []
    volumes: list[str] = []
    for index, volume in enumerate(found.get("volumes", ())):
        causes += _volume(f"{at}.volumes[{index}]", volume, volumes)
    if not found.get("containers"):
        causes.append(required(f"{at}.containers"))
    seen: list[str] = []
    for key in ("initContainers", "containers"):
        for index, container in enumerate(found.get(key, ())):
            causes += _container(f"{at}.{key}[{index}]", container, volumes, seen)
    for key, allowed in (("restartPolicy", _RESTART), ("dnsPolicy", _DNS)):
        if found.get(key) not in allowed:
            causes.append(unsupported(f"{at}.{key}", found.get(key), allowed))
    grace = found.get("terminationGracePeriodSeconds", 0)
    if grace < 0:
        causes.append(invalid(f"{at}.terminationGracePeriodSeconds", grace, "must be greater than or equal to 0"))
    return causes


def _volume(at: str, volume: Object, seen: list[str]) -> list[Cause]:
    name = volume.get("name", "")
    causes = [invalid(f"{at}.name", name, problem) for problem in names.label_errors(name)] if name else []
    if not name:
        causes.append(required(f"{at}.name"))
    if name in seen:
        causes.append(duplicate(f"{at}.name", name))
    seen.append(name)
    claim = volume.get("persistentVolumeClaim")
    if claim is not None and not claim.get("claimName"):
        causes.append(required(f"{at}.persistentVolumeClaim.claimName"))
    sources = [key for key in volume if key != "name"]
    causes += [forbidden(f"{at}.{key}", "may not specify more than 1 volume type") for key in sources[1:]]
    return causes


def _container(at: str, container: Object, volumes: list[str], seen: list[str]) -> list[Cause]:
    causes: list[Cause] = []
    name = container.get("name", "")
    if not name:
        causes.append(required(f"{at}.name"))
    else:
        causes += [invalid(f"{at}.name", name, problem) for problem in names.label_errors(name)]
    if name and name in seen:
        causes.append(duplicate(f"{at}.name", name))
    seen.append(name)
    image = container.get("image", "")
    if not image:
        causes.append(required(f"{at}.image"))
    elif image != image.strip():
        causes.append(invalid(f"{at}.image", image, "must not have leading or trailing whitespace"))
    for index, port in enumerate(container.get("ports", ())):
        field = f"{at}.ports[{index}]"
        number = port.get("containerPort", 0)
        if number == 0:
            causes.append(required(f"{field}.containerPort"))
        elif not 1 <= number <= 65535:
            causes.append(invalid(f"{field}.containerPort", number, "must be between 1 and 65535, inclusive"))
        if port.get("protocol") not in _PROTOCOLS:
            causes.append(unsupported(f"{field}.protocol", port.get("protocol"), _PROTOCOLS))
    causes += _mounts(at, container, volumes)
    if container.get("imagePullPolicy") not in _PULL:
        causes.append(unsupported(f"{at}.imagePullPolicy", container.get("imagePullPolicy"), _PULL))
    return causes + _resources(f"{at}.resources", container.get("resources", {}))


def _mounts(at: str, container: Object, volumes: list[str]) -> list[Cause]:
    causes: list[Cause] = []
    paths: list[str] = []
    for index, mount in enumerate(container.get("volumeMounts", ())):
        field = f"{at}.volumeMounts[{index}]"
        name, path = mount.get("name", ""), mount.get("mountPath", "")
        if not name:
            causes.append(required(f"{field}.name"))
        if name not in volumes:
            causes.append(not_found(f"{field}.name", name))
        if not path:
            causes.append(required(f"{field}.mountPath"))
        if path in paths:
            causes.append(invalid(f"{field}.mountPath", path, "must be unique"))
        paths.append(path)
    return causes


def _resources(at: str, found: Object) -> list[Cause]:
    causes: list[Cause] = []
    limits = found.get("limits", {})
    for kind in ("limits", "requests"):
        for name, value in found.get(kind, {}).items():
            if parse(value) < 0:
                causes.append(invalid(f"{at}.{kind}[{name}]", value, "must be greater than or equal to 0"))
    for name, value in found.get("requests", {}).items():
        if name in limits and parse(value) > parse(limits[name]):
            why = f"must be less than or equal to {name} limit of {limits[name]}"
            causes.append(invalid(f"{at}.requests", value, why))
    return causes


_MUTABLE = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def pod_update(new: Object, old: Object) -> list[Cause]:
    """A changed pod: images, deadline, and more tolerations are all that may differ."""
    causes = spec("spec", new["spec"])
    if _fixed(new["spec"]) != _fixed(old["spec"]):
        causes.append(forbidden("spec", _MUTABLE))
    tolerations = new["spec"].get("tolerations", [])
    if any(toleration not in tolerations for toleration in old["spec"].get("tolerations", [])):
        causes.append(
            forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds")
        )
    return causes


def _fixed(found: Object) -> Object:
    fixed = {key: value for key, value in found.items() if key not in ("tolerations", "activeDeadlineSeconds")}
    for key in ("containers", "initContainers"):
        if key in fixed:
            fixed[key] = [{**container, "image": ""} for container in fixed[key]]
    return fixed
