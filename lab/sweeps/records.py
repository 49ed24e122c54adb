"""A sweep's folder: a record for each of its jobs, from which summary and recap are made.

Each job writes its own record, so that any launcher, and several machines on a shared file system,
may work on one sweep. Nothing here needs torch.
"""

import hashlib
import json
import os
import re
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from lab.config import RunConfig
from lab.config.command import composing_flags
from lab.config.identity import short_hash
from lab.engine.files import short, write_text
from lab.engine.interrupts import stop_workers_first
from lab.engine.jobs import Outcome
from lab.engine.run_folder import RunFolder

# Not part of what a sweep asks for.
ELSEWHERE = (*(f"{key}=" for key in RunConfig.NOT_ASKED_FOR), "hydra.")
# A sweeper's own settings change which jobs there are.
SWEEPER = ("hydra/sweeper=", "hydra.sweeper.")
NAME_LENGTH = 60


def sweep_dir(
    out_dir: str, dry_run: bool, job: Any, runtime: Any, overrides: Any, sweeper: Any
) -> str:
    """`<out_dir>/sweeps/<readable name>-<8 hex>`: the same command gives the same folder.

    Args:
        dry_run: then a temporary folder, as Hydra and the launchers write into it nonetheless.
        job, runtime, overrides, sweeper: nodes of Hydra's config.
    """
    if dry_run:
        return str(Path(tempfile.gettempdir(), f"lab-dry-run-{os.getpid()}"))
    asked = sorted(o for o in overrides.task if not o.lstrip("+").startswith(ELSEWHERE))
    presets = [o.partition("=")[2] for o in asked if o.lstrip("+").startswith("experiment=")]
    others = [o for o in asked if not o.lstrip("+").startswith("experiment=")]
    words = [*([] if job.config_name == "config" else [job.config_name]), *presets, *others]
    name = re.sub(r"[^A-Za-z0-9.]+", "-", "-".join(words)).strip("-")[:NAME_LENGTH]
    # Of a preset; other makes of sweepers may have none.
    params = sorted((sweeper.get("params") or {}).items())
    own = sorted(o for o in overrides.hydra if o.lstrip("+").startswith(SWEEPER))
    identity = short_hash([asked, params, composing_flags(job, runtime, overrides), own])
    return str(Path(os.path.expanduser(out_dir), "sweeps", f"{name or 'sweep'}-{identity}"))


def register_resolver() -> None:
    """Make `${lab.sweep_dir:…}` known.

    With use_cache, the sweep's jobs, whose own overrides differ, all see what the sweep saw.
    """
    OmegaConf.register_new_resolver("lab.sweep_dir", sweep_dir, replace=True, use_cache=True)


class Announce(Callback):
    """Tells where a sweep's results go, and remembers it for the recap after the last job."""

    folder: Path | None = None
    begin = 0.0
    is_dry = False

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        Announce.folder = Path(config.hydra.sweep.dir).absolute()
        Announce.begin = time.time()
        Announce.is_dry = config.dry_run
        if not str(config.hydra.launcher._target_).endswith(".BasicLauncher"):
            stop_workers_first(Sweep(Announce.folder).is_any_busy)
        if not Announce.is_dry:
            print(f"sweep: summary goes to {config.hydra.sweep.dir}", flush=True)


class Sweep:
    """The folder of one sweep.

    Args:
        folder: as `sweep_dir` names it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def _records(self) -> Path:
        return self.folder / "jobs"

    def record(
        self, number: int, overrides: Sequence[str], config: RunConfig | None, outcome: Outcome
    ) -> None:
        """Note that a job has begun or what became of it, in place of its earlier note.

        Args:
            number: of the job in the sweep.
            overrides: of the job.
            config: None if they make no valid one.
            outcome: of the job.
        """
        asked = [o for o in overrides if not o.lstrip("+").startswith(ELSEWHERE)]
        asked += _out_dirs_own(overrides, self.folder)
        content = {
            "number": number,
            "overrides": asked,
            "run": None if config is None else os.path.relpath(config.run_dir, self.folder),
            "kind": outcome.kind,
            "line": outcome.line,
            "exit_code": outcome.exit_code,
            "time": time.time(),
        }
        self._records.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256(" ".join(sorted(asked)).encode()).hexdigest()[:16]
        write_text(self._records / f"{name}.json", json.dumps(content, indent=1))

    def records(self) -> list[dict[str, Any]]:
        """What `record` noted, in the order of the jobs."""
        found = [json.loads(path.read_text()) for path in self._records.glob("*.json")]
        return sorted(found, key=lambda record: (record["number"], record["overrides"]))

    def run_of(self, record: Mapping[str, Any]) -> RunFolder:
        """The folder of a record's run; it is noted as seen from the sweep's, so both may move."""
        return RunFolder(Path(os.path.normpath(self.folder / record["run"])))

    def is_any_busy(self) -> bool:
        """Whether a process still is at one of the runs."""
        begun = [record for record in self.records() if record["kind"] == "running"]
        return any(self.run_of(record).is_held for record in begun)

    def discard(self) -> None:
        """Take away what Hydra made for a sweep of which no job was begun."""
        (self.folder / "multirun.yaml").unlink(missing_ok=True)
        for folder in (self.folder, self.folder.parent, self.folder.parents[1]):
            with suppress(OSError):  # others' results lie in it
                folder.rmdir()

    def recap(self, since: float) -> tuple[list[str], int]:
        """The lines that end a sweep, and its exit code.

        Args:
            since: only jobs noted after this time (seconds since 1970) are counted.
        """
        everything = self.records()
        in_all = set.intersection(*(set(record["overrides"]) for record in everything))
        records = [record for record in everything if record["time"] >= since]
        lines = []
        for record in records:
            if record["kind"] == "failed":
                own = [o for o in record["overrides"] if o not in in_all] or record["overrides"]
                lines.append(f"failed: {' '.join(own)}: {record['line']}")
        counts = Counter(self._kind(record) for record in records)
        words = ", ".join(f"{counts[kind]} {kind}" for kind in counts) or "no run"
        lines.append(f"sweep: {words} in {time.time() - since:.1f} s → {short(self.folder)}")
        return lines, max((record["exit_code"] for record in records), default=0)

    def _kind(self, record: Mapping[str, Any]) -> str:
        """The record's kind; a run that had begun when its worker was killed is interrupted."""
        kind = str(record["kind"])
        return str(self.run_of(record).status or "interrupted") if kind == "running" else kind


def _out_dirs_own(overrides: Sequence[str], folder: Path) -> list[str]:
    """A job's `out_dir=…`, if its run goes elsewhere than beside the sweep's folder."""
    for override in overrides:
        key, _, value = override.partition("=")
        if key.lstrip("+") == "out_dir" and not _is_same(value, folder.parents[1]):
            return [override]
    return []


def _is_same(path: str, folder: Path) -> bool:
    return os.path.realpath(os.path.expanduser(path.strip("'\""))) == os.path.realpath(folder)
