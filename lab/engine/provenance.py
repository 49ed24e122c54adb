"""Where a result comes from: command, commit, versions, device, times. No host or user name."""

import platform
import shlex
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("lab", "torch", "numpy", "hydra-core", "omegaconf")


def now() -> str:
    """UTC, to the second, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def collect(device: str, threads: int, command: Sequence[str]) -> dict[str, Any]:
    """What provenance.json holds when a run begins; `end` is filled in when it ends.

    Args:
        device, threads: that it runs on.
        command: the words after `python -m lab` that make this very run.
    """
    return {
        "command": shlex.join(["python", "-m", "lab", *command]),
        "git": git_state(),
        "versions": versions(),
        "python": platform.python_version(),
        "device": device,
        "threads": threads,
        "cpu": cpu_model(),
        "start": now(),
        "end": None,
    }


def changes_since(provenance: dict[str, Any]) -> list[str]:
    """What is other now than when the run was made, a phrase each."""
    before, after = provenance.get("git") or {}, git_state() or {}
    changes = []
    if before.get("commit") != after.get("commit"):
        changes.append(f"commit {_short(before)} → {_short(after)}")
    for package, old in provenance.get("versions", {}).items():
        new = versions().get(package)
        if new != old:
            changes.append(f"{package} {old} → {new}")
    return changes


def bits_changed(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What is other in two provenances and changes the last bits of a result, a phrase each."""
    names = ("device", "threads", "cpu", "precision")
    pairs = [(name, before.get(name), now.get(name)) for name in names]
    torch = [provenance.get("versions", {}).get("torch") for provenance in (before, now)]
    pairs.append(("torch", torch[0], torch[1]))
    return [f"{name} {old} → {new}" for name, old, new in pairs if old is not None and old != new]


def _short(git: dict[str, Any]) -> str:
    return str(git.get("commit") or "none")[:8]


@cache
def versions() -> dict[str, str | None]:
    """Of the packages that the numbers depend on."""
    return {package: _version(package) for package in PACKAGES}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@cache
def git_state() -> dict[str, Any] | None:
    """The commit this code stands at and whether files differ from it; None outside a checkout."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return None

    def git(*args: str) -> str:
        command = ["git", "-C", str(root), *args]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return {"commit": git("rev-parse", "HEAD"), "dirty": bool(git("status", "--porcelain"))}
    except (OSError, subprocess.CalledProcessError):
        return None


@cache
def cpu_model() -> str:
    """As Linux names it, else the architecture."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.machine()
