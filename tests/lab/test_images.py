"""What the lab makes of an image's name."""

from __future__ import annotations

import pytest

from aksdisks.lab.images import ABSENT, has_shell, is_absent, reference


@pytest.mark.parametrize(
    ("image", "whole"),
    [
        ("busybox", "docker.io/library/busybox:latest"),
        ("vplauzon/get-started:part2-no-redis", "docker.io/vplauzon/get-started:part2-no-redis"),
        ("localhost:404/app", "localhost:404/app:latest"),
        ("mcr.microsoft.com/azurelinux/busybox:1.36", "mcr.microsoft.com/azurelinux/busybox:1.36"),
        ("registry.k8s.io/pause@sha256:0", "registry.k8s.io/pause@sha256:0"),
    ],
)
def test_a_reference_is_written_out(image: str, whole: str) -> None:
    assert reference(image) == whole


@pytest.mark.parametrize(
    ("image", "shell"),
    [
        ("mcr.microsoft.com/oss/kubernetes/pause:3.9", False),
        ("pause", False),
        ("registry.k8s.io/pause-amd64:3.1", False),
        ("registry.k8s.io/pause@sha256:0", False),
        ("gcr.io/distroless/static", False),
        ("mcr.microsoft.com/azurelinux/distroless/base:3.0", False),
        ("gcr.io/distroless/base:debug-nonroot", True),
        ("mcr.microsoft.com/azurelinux/busybox:1.36", True),
        ("example.com/pauses:1", True),
        ("example.com/app:pause", True),
    ],
)
def test_a_shell_is_missing_in_the_kinds_that_are_known_for_it(image: str, shell: bool) -> None:
    assert has_shell(image) is shell


@pytest.mark.parametrize(
    ("image", "patterns", "absent"),
    [
        ("mcr.microsoft.com/azurelinux/busybox:404", ABSENT, True),
        ("busybox:doesnotexist", ABSENT, True),
        ("example.com/nosuchimage", ABSENT, True),
        ("localhost:404/app", ABSENT, False),
        ("busybox:4041", ABSENT, False),
        ("busybox", ("*/busybox:latest",), True),
        ("busybox:404", (), False),
    ],
)
def test_absent_are_those_that_a_scenario_lists(image: str, patterns: tuple[str, ...], absent: bool) -> None:
    assert is_absent(image, patterns) is absent
