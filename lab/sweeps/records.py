"""A sweep's folder: a record for each of its jobs, from which summary and recap are made.

Each job writes its own record, so that any launcher, and several machines on a shared file system,
may work on one sweep. Nothing here needs torch.
"""

import hashlib
import json
import os
import re
import secrets
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from lab.config import RunConfig
from lab.config.command import (
    as_written,
    composing_flags,
    environment_of,
    own_files,
    with_environment,
)
from lab.config.naming import short_hash
from lab.engine.files import read_text, short, write_text
from lab.engine.jobs import Outcome
from lab.engine.run_folder import RunFolder
from lab.sweeps.search import direction_of

# The overrides that do not decide what is trained.
ELSEWHERE = (*(f"{key}=" for key in RunConfig.NOT_IN_HASH), "hydra.")
# A sweeper's settings decide which jobs there are. These three only add jobs to them.
SWEEPER = ("hydra/sweeper", "hydra.sweeper.")
GOES_FURTHER = ("hydra.sweeper.n_trials=", "hydra.sweeper.n_jobs=", "hydra.sweeper.max_batch_size=")
RECORD_NAME = re.compile(r"[0-9a-f]{16}\.json")
RECORD = {
    "number": int,
    "overrides": list,
    "run": str | None,
    "kind": str,
    "line": str,
    "exit_code": int,
}
NAMES_OF_MISSING_JOBS = 10
NAME_LENGTH = 60


def identity_overrides(overrides: Sequence[str]) -> list[str]:
    """Return the overrides that are part of a job's identity."""
    return [o for o in overrides if not o.lstrip("+").startswith(ELSEWHERE)]


def sweep_dir(out_dir: str, job: Any, runtime: Any, overrides: Any, sweeper: Any) -> str:
    """`<out_dir>/sweeps/<readable name>-<8 hex>`: the same command gives the same folder.

    Args:
        job, runtime, overrides, sweeper: nodes of Hydra's config.
    """
    words, hydras = as_written(overrides.task), as_written(overrides.hydra)
    settings = sorted(map(with_environment, identity_overrides(words)))
    presets = [o.partition("=")[2] for o in settings if o.lstrip("+").startswith("experiment=")]
    others = [o for o in settings if not o.lstrip("+").startswith("experiment=")]
    parts = [*([] if job.config_name == "config" else [job.config_name]), *presets, *others]
    name = re.sub(r"[^A-Za-z0-9.]+", "-", "-".join(parts)).strip("-")[:NAME_LENGTH]
    # The values that a preset sweeps. A sweeper of another package may have no `params`.
    params = sorted((sweeper.get("params") or {}).items())
    own = sorted(
        o
        for o in hydras
        if o.lstrip("+").startswith(SWEEPER) and not o.lstrip("+").startswith(GOES_FURTHER)
    )
    if direction_of(sweeper) is not None:
        own += [o for o in words if o.lstrip("+").startswith("objective=")]
    changing = [*environment_of([*settings, *own]), *own_files(runtime, job.config_name, words)]
    flags = composing_flags(job, runtime, overrides)
    # `changing` is left out if it is empty, so that older sweeps keep their folders.
    identity = short_hash([settings, params, flags, own, *([changing] if changing else [])])
    return str(Path(os.path.expanduser(out_dir), "sweeps", f"{name or 'sweep'}-{identity}"))


def register_resolvers() -> None:
    """Make `${lab.sweep_dir:…}` known.

    The result is cached, because each job has other overrides than its sweep.
    """
    OmegaConf.register_new_resolver("lab.sweep_dir", sweep_dir, replace=True, use_cache=True)


class Sweep:
    """The folder of one sweep.

    Args:
        folder: as `sweep_dir` names it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self._records, self._fresh_file = folder, folder / "jobs", folder / ".fresh"

    def record(
        self,
        number: int,
        overrides: Sequence[str],
        outcome: Outcome,
        trial: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Return the record of a job that has begun or ended; `write` writes it.

        Args:
            number: of the job in the sweep.
            overrides: of the job.
            outcome: of the job.
            trial: `objective` and `direction` if the job is a trial of a search; else empty.
        """
        settings = identity_overrides(overrides)
        run = outcome.run
        return {
            "number": number,
            "overrides": settings,
            "run": None if run is None else os.path.relpath(run, self.folder),
            "kind": outcome.kind,
            "line": outcome.line,
            "exit_code": outcome.exit_code,
            "stamp": secrets.token_hex(8),
            **trial,
        }

    def write(self, record: Mapping[str, Any]) -> None:
        """Write a record in place of the job's earlier one."""
        self._records.mkdir(parents=True, exist_ok=True)
        write_text(self._records / _file_name(record["overrides"]), json.dumps(record, indent=1))

    def records(self) -> list[dict[str, Any]]:
        """Return the records in the order of the jobs."""
        records = [record for _, record in self._read() if record is not None]
        return sorted(records, key=lambda record: (record["number"], record["overrides"]))

    def foreign_files(self) -> list[str]:
        """Return a line that names the files in jobs/ that are no records; none if all are."""
        names = sorted(path.name for path, record in self._read() if record is None)
        where = os.path.relpath(self._records)
        return [f"{where}: no records, passed over: {', '.join(names)}"] if names else []

    def _read(self) -> list[tuple[Path, dict[str, Any] | None]]:
        return [(path, _record_in(path)) for path in self._records.glob("*.json")]

    def run_of(self, record: Mapping[str, Any]) -> RunFolder:
        """Return the folder of a record's run. The record has its path from the sweep's folder.

        The sweep's folder may be reached through a link, by its own path or from within.
        """
        folder = self.folder.absolute()
        places = [os.path.normpath(place / record["run"]) for place in (folder, folder.resolve())]
        runs = [RunFolder(Path(place)) for place in places]
        return next((run for run in runs if run.status is not None), runs[0])

    def status_of(self, record: Mapping[str, Any]) -> str:
        """What has become of a job by now: a run's status, or busy, missing, not a valid config.

        A process that was killed left "running" in its record, and may never have made the folder.
        A run at which another process was when the job came to it is busy, as only the table of
        that process follows it to its end.
        """
        kind = str(record["kind"])
        if record["run"] is None:
            return "failed"
        status = self.run_of(record).status
        if kind == "busy" and status == "running":
            return "busy"
        if status is None:
            # "skipped" is what earlier versions wrote for "finished before".
            was_finished = kind in ("finished", "resumed", "finished before", "skipped")
            return {"running": "interrupted"}.get(kind, "missing" if was_finished else kind)
        return status

    def stamps(self) -> dict[str, str]:
        """Return each record's stamp by file name; a record that is written again has a new one.

        Times would not do: the clocks of several machines differ, and a clock may be set back.
        """
        return {
            _file_name(record["overrides"]): record.get("stamp", "") for record in self.records()
        }

    def since(self, before: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return the records that were written after these stamps were taken."""
        return [
            record
            for record in self.records()
            if before.get(_file_name(record["overrides"])) != record.get("stamp", "")
        ]

    @property
    def fresh_for(self) -> str:
        """What names this sweep while it starts over because of `fresh=true`; else empty."""
        try:
            return read_text(self._fresh_file).strip()
        except OSError:
            return ""

    def begin_fresh(self) -> bool:
        """Begin to start over; false if an earlier process began it and did not come to its end."""
        if self.fresh_for:
            return False
        write_text(self._fresh_file, secrets.token_hex(8) + "\n")
        return True

    def end_fresh(self) -> None:
        """All runs have been started over: the next `fresh=true` starts over again."""
        self._fresh_file.unlink(missing_ok=True)

    def is_any_busy(self, before: Mapping[str, str]) -> bool:
        """Whether a process still trains a run that began after these stamps were taken."""
        return any(
            record["kind"] == "running" and self.run_of(record).is_held
            for record in self.since(before)
        )

    def recap(
        self,
        jobs: Sequence[Sequence[str]] | None,
        before: Mapping[str, str],
        seconds: float,
        ended: Sequence[dict[str, Any]] = (),
    ) -> tuple[list[str], int, bool]:
        """Return the last lines of a sweep, its exit code, and whether every job has ended.

        Args:
            jobs: the overrides of all jobs; None if they are not known.
            before: the stamps at its beginning: only jobs noted since are counted.
            seconds: that the sweep took.
            ended: records of jobs that ended, also those that could not be written.
        """
        newest = {_file_name(one["overrides"]): one for one in (*self.since(before), *ended)}
        records = sorted(newest.values(), key=lambda record: record["number"])
        begun = {_file_name(record["overrides"]) for record in records}
        asked = [identity_overrides(job) for job in jobs or []]
        missing = [job for job in asked if _file_name(job) not in begun]
        in_all = shared([*(record["overrides"] for record in records), *missing])
        lines = [
            f"failed: {named(record['overrides'], in_all, record['line'])}"
            for record in records
            if record["kind"] == "failed"
        ]
        lines += [
            f"not begun: {_own(job, in_all) or ' '.join(job)}"
            for job in missing[:NAMES_OF_MISSING_JOBS]
        ]
        if len(missing) > NAMES_OF_MISSING_JOBS:
            lines.append(f"not begun: {len(missing) - NAMES_OF_MISSING_JOBS} more")
        counts = Counter(self._kind(record) for record in records)
        if missing:
            counts["not begun"] = len(missing)
        counted = ", ".join(f"{counts[kind]} {kind}" for kind in counts) or "no run"
        lines.append(f"sweep: {counted}; {seconds:.1f} s in all → {short(self.folder)}")
        worst = max((record["exit_code"] for record in records), default=0)
        is_over = not {"not begun", "interrupted", "running"} & counts.keys()
        return lines, worst or int(bool(missing)), is_over

    def _kind(self, record: Mapping[str, Any]) -> str:
        """Return the kind of a record; a run whose worker was killed is interrupted."""
        kind = str(record["kind"])
        return self.status_of(record) if kind == "running" else kind


def named(job: Sequence[str], in_all: Collection[str], line: str) -> str:
    """Put a job's own overrides before a line about it, unless the line begins with them.

    Args:
        in_all: the overrides that all jobs of the sweep share.
    """
    own = _own(job, in_all)
    return line if line.startswith(own) else f"{own}: {line}"


def _file_name(overrides: Sequence[str]) -> str:
    return hashlib.sha256(" ".join(sorted(overrides)).encode()).hexdigest()[:16] + ".json"


def _record_in(path: Path) -> dict[str, Any] | None:
    """Read a record; None if the file is not one."""
    content = None
    if RECORD_NAME.fullmatch(path.name):
        with suppress(OSError, ValueError):
            content = json.loads(path.read_text(encoding="utf-8"))
    is_record = isinstance(content, dict) and all(
        isinstance(content.get(key), kind) for key, kind in RECORD.items()
    )
    return content if is_record else None


def shared(jobs: Sequence[Sequence[str]]) -> set[str]:
    """Return the overrides that all jobs have."""
    return set.intersection(*map(set, jobs)) if jobs else set()


def _own(job: Sequence[str], in_all: Collection[str]) -> str:
    """Return the overrides of a job that the others do not share."""
    return " ".join(o for o in job if o not in in_all)
