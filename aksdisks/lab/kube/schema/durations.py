"""Ages as kubectl prints them (k8s.io/apimachinery pkg/util/duration, HumanDuration)."""

from __future__ import annotations

from datetime import UTC, datetime


def human_duration(seconds: float) -> str:
    """`5m30s`, `3h2m`, `2d`: the two parts that matter for its size; `<invalid>` for a moment in the future."""
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    if whole < 0:
        return "0s"
    minutes, hours, days, years = whole // 60, whole // 3600, whole // 86400, whole // 31536000
    if whole < 120:
        return f"{whole}s"
    if minutes < 10:
        return _parts(minutes, "m", whole % 60, "s")
    if hours < 3:
        return f"{minutes}m"
    if hours < 8:
        return _parts(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if hours < 192:
        return _parts(days, "d", hours % 24, "h")
    if hours < 24 * 365 * 2:
        return f"{days}d"
    if hours < 24 * 365 * 8:
        return _parts(years, "y", days % 365, "d")
    return f"{years}y"


def age(stamp: str | None, now: datetime) -> str:
    """How long ago a Kubernetes `Time` or `MicroTime` was; `<unknown>` without one."""
    if not stamp:
        return "<unknown>"
    return human_duration((now - parse_time(stamp)).total_seconds())


def parse_time(stamp: str) -> datetime:
    """RFC 3339 in UTC, with or without fractions of a second; raises ValueError."""
    return datetime.fromisoformat(stamp.replace("Z", "+00:00")).astimezone(UTC)


def _parts(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large}{large_unit}{small}{small_unit}" if small else f"{large}{large_unit}"
