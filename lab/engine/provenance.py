"""The provenance of a result: command, commit, versions, device, times; no host or user name."""

import os
import platform
import shlex
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from lab.config import RunConfig
from lab.config.errors import UserError
from lab.engine.run_folder import RunFolder

PACKAGES = ("lab", "torch", "numpy", "hydra-core", "omegaconf")


def now() -> str:
    """The time in UTC, to the second, in ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def collect(device: str, threads: int, command: Sequence[str]) -> dict[str, Any]:
    """Return the content of provenance.json at the beginning of a run; `end` is added at its end.

    Args:
        device: the device of the run.
        threads: the number of CPU threads.
        command: the arguments of `python -m lab` that make this run.
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
    """What has changed since the run was made, one phrase for each change."""
    commits = [str((git or {}).get("commit") or "") for git in (provenance.get("git"), git_state())]
    changes = []
    if all(commits) and commits[0] != commits[1]:  # an unknown commit is not another commit
        changes.append(f"commit {commits[0][:8]} → {commits[1][:8]}")
    for package, old in provenance.get("versions", {}).items():
        new = versions().get(package)
        if new != old:
            changes.append(f"{package} {old} → {new}")
    return changes


def bits_changed(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Differences of two provenances that change the last bits of a result, a phrase for each."""
    names = ("device", "threads", "cpu", "precision")
    pairs = [(name, before.get(name), now.get(name)) for name in names]
    torch = [provenance.get("versions", {}).get("torch") for provenance in (before, now)]
    pairs.append(("torch", torch[0], torch[1]))
    return [f"{name} {old} → {new}" for name, old, new in pairs if old is not None and old != new]


@cache
def versions() -> dict[str, str | None]:
    """The versions of the packages on which the numbers depend."""
    return {package: _version(package) for package in PACKAGES}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@cache
def git_state() -> dict[str, Any] | None:
    """The commit of this code, and whether files differ from it; None outside a checkout.

    If git is not installed or refuses the checkout, the commit is None and `reason` says why.
    """
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return None
    # A hook of git sets these for its own repository. LC_ALL is for the reason.
    environ = {k: v for k, v in os.environ.items() if k not in ("GIT_DIR", "GIT_WORK_TREE")}

    def git(*args: str) -> bytes:
        command = ["git", "-C", str(root), *args]
        env = {**environ, "LC_ALL": "C"}
        return subprocess.run(command, capture_output=True, env=env, check=True).stdout.strip()

    try:
        commit = git("rev-parse", "HEAD").decode()
        return {"commit": commit, "dirty": bool(git("status", "--porcelain"))}
    except subprocess.CalledProcessError as error:
        # Without the path, in which a user's name may be.
        line = error.stderr.decode(errors="replace").partition("\n")[0].partition(" at ")[0]
        return {"commit": None, "dirty": None, "reason": line or "git failed"}
    except OSError as error:
        return {"commit": None, "dirty": None, "reason": f"git cannot be run: {error.strerror}"}


@cache
def cpu_model() -> str:
    """The processor's name from Linux, else the architecture."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.machine()


def data_change(config: RunConfig, folder: RunFolder) -> str:
    """What has become of a run's data; empty if they are the same, or if it noted none."""
    before = folder.provenance.get("data")
    if before is None:  # a study without data, or a run of a version that noted none
        return ""
    try:
        now = config.data_checksum()
    except UserError as error:
        return f"its data cannot be read: {error}"
    return "" if now in (None, before) else "its data"


def check_classifier(folder: RunFolder, now: str) -> None:
    """Refuse to read a finished run's images with a classifier of other data.

    Args:
        folder: the run's folder.
        now: the checksum of the data as they are now.
    """
    if folder.provenance.get("data", now) != now:
        raise UserError(
            f"{folder.path}: its data have changed since it was trained; restore them, because the "
            "classifier that reads its images is trained on them"
        )


def check_begun(folder: RunFolder, now: str | None) -> None:
    """Refuse to continue a run if its data have changed.

    Args:
        folder: the folder of a run with a checkpoint.
        now: the checksum of the data as they are now.
    """
    before = folder.provenance.get("data")
    if before is not None and now is not None and now != before:
        raise UserError(
            f"{folder.path}: its data have changed since it began; restore them, or start over "
            "with fresh=true"
        )
