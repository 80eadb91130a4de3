"""What a lab keeps of itself besides its objects: scenario, speed, faults, ports and credentials, as they come back."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import orjson

from aksdisks.lab import tls
from aksdisks.lab.errors import LabError, ScenarioError
from aksdisks.lab.fault_catalogue import FaultSwitch
from aksdisks.lab.persistence.records import Records
from aksdisks.lab.persistence.state_directory import LabState
from aksdisks.lab.scenario import Scenario, load, of_version, restored

DEFAULT_SCENARIO, DEFAULT_SPEED = "regional", 100.0

_KIND = "lab"
_CHANGEABLE = ("name", "delays", "faults", "principals", "disk_quota", "node_resource_group_restriction")
"""Of a scenario, what a lab that exists may take on; all else is built into its objects."""
_BUILT_IN = tuple(entry for entry in dataclasses.fields(Scenario) if entry.name not in _CHANGEABLE)


@dataclasses.dataclass(frozen=True)
class Credentials:
    """All that clients know the lab by; the same after a restart, so that what they hold stays good."""

    certificates: tls.Certificates
    token: str = dataclasses.field(repr=False)
    client_secret: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class Port:
    """A port to listen on, 0 for any free one; `wanted`: no other will do."""

    number: int
    wanted: bool


class Switches(Protocol):
    """The faults that are on."""

    def list(self) -> tuple[FaultSwitch, ...]:
        """All of them."""

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Call `listener` at each change."""


def settings(
    records: Records, scenario: str | None, speed: float | None, kubernetes: str | None = None
) -> tuple[Scenario, float]:
    """What the lab is, where it is not given anew: as it was, else the defaults. Raises `LabError`.

    Another scenario is taken on where it differs in what can be changed; the faults that were on stay on unless a
    scenario is given. The version `kubernetes` wins over the scenario's.
    """
    kept = _kept(records, "scenario")
    try:
        before = None if kept is None else restored(kept)
    except ScenarioError as error:
        raise records.damaged(f"scenario: {error}") from error
    try:
        now = load(scenario or DEFAULT_SCENARIO) if scenario or before is None else before
        if kubernetes is not None:
            now = of_version(now, kubernetes)
    except ScenarioError as error:
        raise LabError(str(error)) from error
    if before is not None:
        _check_same(before, now)
    speed = speed if speed is not None else _kept(records, "speed") or DEFAULT_SPEED
    return now, speed


def running_scenario(state: LabState) -> Scenario:
    """The scenario of a running lab, as another process sees it. Raises `LabError`."""
    from aksdisks.lab.persistence.database import NAME, peek

    kept = peek(Path(state.state_dir, NAME), _KIND, "scenario")
    try:
        if kept is not None:
            return restored(orjson.loads(kept))
        scenario = load(state.scenario)
        return scenario if scenario.era == "2019" else of_version(scenario, state.kubernetes)
    except (ScenarioError, orjson.JSONDecodeError) as error:
        raise LabError(f"lab in {state.state_dir}: expected its scenario, found: {error}") from error


def keep_settings(records: Records, scenario: Scenario, speed: float, faults: Switches) -> None:
    """Keep what the lab is, and from now on which faults are on."""

    def keep() -> None:
        values = dataclasses.asdict(dataclasses.replace(scenario, faults=faults.list()))
        records.remember(_KIND, "scenario", values)

    keep()
    records.remember(_KIND, "speed", speed)
    faults.subscribe(keep)


def credentials(records: Records, now: datetime) -> Credentials:
    """Those of before, or new ones. Raises `LabError` for damaged ones."""

    def make() -> dict[str, Any]:
        made = tls.issue(now)
        return {
            "authority": made.authority.decode(),
            "server": [made.server.certificate.decode(), made.server.key.decode()],
            "admin": [made.admin.certificate.decode(), made.admin.key.decode()],
            "token": secrets.token_hex(32),
            "client_secret": secrets.token_urlsafe(32),
        }

    kept = records.remembered(_KIND, "credentials", make)
    try:
        server, admin = (tls.KeyPair(*(part.encode() for part in kept[name])) for name in ("server", "admin"))
        certificates = tls.Certificates(kept["authority"].encode(), server, admin)
        return Credentials(certificates, kept["token"], kept["client_secret"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise records.damaged(f"credentials: {error!r}") from error


def token_key(records: Records, new_key: Callable[[], bytes]) -> bytes:
    """What Entra's tokens are signed with, PEM: the key of before, or what `new_key` makes."""
    return str(records.remembered(_KIND, "token-key", lambda: new_key().decode())).encode()


def port(records: Records, server: str, asked: int) -> Port:
    """Where a server listens: where it is asked to, else where it did before if that is free."""
    if asked:
        return Port(asked, wanted=True)
    kept = _kept(records, f"port of {server}")
    return Port(kept["number"], kept["wanted"]) if kept else Port(0, wanted=False)


def keep_port(records: Records, server: str, number: int, *, wanted: bool) -> None:
    """Keep where a server listens, and whether somebody asked for it."""
    records.remember(_KIND, f"port of {server}", {"number": number, "wanted": wanted})


def _check_same(before: Scenario, given: Scenario) -> None:
    """Refuse a scenario that differs in what is built in, and say all of that. Raises `LabError`."""
    pairs = ((entry.name, getattr(before, entry.name), getattr(given, entry.name)) for entry in _BUILT_IN)
    differing = [f"{name} {_difference(was, asked)}" for name, was, asked in pairs if was != asked]
    if differing:
        raise LabError(
            f"scenario {given.name}: expected a lab that can be as it says, found one that was made otherwise: "
            f"{'; '.join(differing)}; `aksdisks lab reset` starts over"
        )


def _difference(was: Any, asked: Any) -> str:
    """Both values in words; of lists of named things only the things that differ."""
    if not all(isinstance(value, tuple) and all(hasattr(one, "name") for one in value) for value in (was, asked)):
        return f"was {_shown(was)}, would be {_shown(asked)}"
    of_then, of_now = ({one.name: one for one in value} for value in (was, asked))
    changed = [
        f"{name}.{field.name} was {_shown(then)}, would be {_shown(now)}"
        for name in sorted(of_then.keys() & of_now.keys())
        for field in dataclasses.fields(of_then[name])
        if (then := getattr(of_then[name], field.name)) != (now := getattr(of_now[name], field.name))
    ]
    parts = [("without ", of_then.keys() - of_now.keys()), ("with ", of_now.keys() - of_then.keys())]
    changed += [f"would be {word}{', '.join(sorted(names))}" for word, names in parts if names]
    return ", ".join(changed) or "would be in another order"


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={one}" for key, one in value.items()) or "none"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return str(value) if value != "" else "none"


def _kept(records: Records, key: str) -> Any:
    return next((value for known, value in records.values(_KIND) if known == key), None)
