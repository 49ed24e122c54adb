"""Find a run by its folder, its name, the start of its hash, or `last`; open a finished one.

This module imports no torch, so that a tool that only reads files answers at once.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from lab.config import RunConfig
from lab.config.errors import UserError
from lab.config.reading import from_file
from lab.engine.run_folder import RunFolder

LAST = "last"
MOST_LISTED = 5
FILES = (
    "config.yaml", "provenance.json", "status", "metrics.csv", "result.json", "lab.log", ".lock",
)  # fmt: skip


def find_run(
    word: str | Path, out_dir: str | Path = "outputs", kind: type[RunConfig] = RunConfig
) -> RunFolder:
    """Find the one run that `word` means.

    Args:
        word: a run's folder, its name with or without the hash, the start of its hash, or `last`.
        out_dir: the folder to look in, at any depth; a run's folder is found anywhere.
        kind: `last` is the newest run with a config of this class, if there is any.
    """
    word, out_dir = str(word), Path(out_dir)
    if word == LAST:
        return _newest(_some_runs(out_dir), kind)
    path = Path(word)
    if path.is_dir():
        if not is_run(path):
            raise UserError(f"{word}: not a run's folder{_what_it_is(path)}")
        return RunFolder(path)
    if len(path.parts) > 1:
        raise UserError(f"{word}: no such folder")
    runs = _some_runs(out_dir)
    matches = [run for run in runs if word in (run.path.name, _readable_name(run))]
    matches = matches or [run for run in runs if _hash(run).startswith(word.lower())]
    # An earlier version may have given a run another name with the same hash.
    matches = matches or [run for run in runs if word.endswith(f"-{_hash(run)}")]
    if len(matches) > 1:
        listed = ", ".join(str(run.path) for run in matches[:MOST_LISTED])
        more = f" and {len(matches) - MOST_LISTED} more" if len(matches) > MOST_LISTED else ""
        raise UserError(f"{word} may be any of {len(matches)} runs: {listed}{more}")
    if not matches:
        raise UserError(f"{word}: no such run below {out_dir}{_nearest(word, runs)}")
    return matches[0]


def find_runs(out_dir: str | Path = "outputs") -> list[RunFolder]:
    """Return all runs below a folder, at any depth, in the order in which they began."""
    if not Path(out_dir).is_dir():
        raise UserError(f"{out_dir}: no such folder")
    return sorted(_walk(Path(out_dir)), key=_begun)


def is_run(path: Path) -> bool:
    """Whether a folder is a run's. It has two of a run's files; other programs have one config.

    A folder that may be listed but not entered is no run's: os.path.isfile does not raise for it.
    """
    return sum(os.path.isfile(path / name) for name in FILES) >= 2


def _some_runs(out_dir: Path) -> list[RunFolder]:
    runs = find_runs(out_dir)
    if not runs:
        raise UserError(f"there are no runs below {out_dir}")
    return runs


def _newest(runs: Sequence[RunFolder], kind: type[RunConfig]) -> RunFolder:
    newest_first = sorted(runs, key=_begun, reverse=True)
    if kind is not RunConfig:
        for run in newest_first:
            with suppress(UserError):  # another version of the code wrote it, or it is not trusted
                if isinstance(from_file(run.config_file), kind):
                    return run
    return newest_first[0]


def _walk(top: Path) -> Iterator[RunFolder]:
    """Yield the runs below a folder. Links are followed, and each folder is visited once."""
    seen: set[str] = set()
    for folder, below, _ in os.walk(top, followlinks=True):
        place = os.path.realpath(folder)
        if place in seen:
            below.clear()
            continue
        seen.add(place)
        if is_run(Path(folder)):
            below.clear()
            yield RunFolder(Path(folder))
        below[:] = sorted(name for name in below if not name.startswith("."))


def _begun(run: RunFolder) -> tuple[str, float]:
    """Return when a run began, from its provenance, which survives copying, or from its files."""
    times = [file.stat().st_mtime for file in (run.config_file, run.path) if file.exists()]
    return str(run.provenance.get("start") or ""), times[0] if times else 0.0


def _readable_name(run: RunFolder) -> str:
    return run.path.name.rpartition("-")[0]


def _hash(run: RunFolder) -> str:
    return run.path.name.rpartition("-")[2]


def _nearest(word: str, runs: Sequence[RunFolder]) -> str:
    from lab.config.wording import did_you_mean

    names: Iterable[str] = dict.fromkeys(run.path.name for run in runs)
    hashes = {_hash(run): run.path.name for run in runs}
    near = did_you_mean(word, names) or did_you_mean(word, hashes)
    return near or f"; there are {len(runs)}, which lab runs lists"


def _what_it_is(path: Path) -> str:
    """Return what a folder is that is not a run's, as the end of a message."""
    if (path / "jobs").is_dir() or (path / "multirun.yaml").is_file():
        return f"; it is a sweep's: lab summary {path} writes its table again"
    count = sum(1 for _ in _walk(path))
    if count:
        return f"; {count} runs lie below it: lab runs {path} lists them"
    if (path / "model.safetensors").is_file() or (path / "checkpoint.pt").is_file():
        return " (it has no config.yaml: was it copied only in part?)"
    return ""


Config = TypeVar("Config", bound=RunConfig)


def finished_config(folder: RunFolder, cls: type[Config], study: str) -> Config:
    """Return the config of a finished run.

    Args:
        folder: the run's folder.
        cls: the study's config class.
        study: the study's name, for the message.
    """
    if folder.never_began:
        raise UserError(_not_finished(folder))
    config = from_file(folder.config_file)
    if not isinstance(config, cls):
        raise UserError(
            f"{folder.path}: a run of task={config.task}, not of the {study} study; "
            "lab runs shows the task of each run"
        )
    if folder.result is None:
        raise UserError(_not_finished(folder))
    return config


def _not_finished(folder: RunFolder) -> str:
    """The line for a run that has no result, with what can be done."""
    line = f"{folder.path}: {folder.status or 'not begun'}, not finished"
    if folder.status == "running":
        return f"{line} yet"
    if folder.status == "failed":
        again = "tries again" if not folder.has_checkpoint else "tries again from its checkpoint"
        return f"{line}: lab show {folder.path.name} says why; the command that began it {again}"
    again = "continues it" if folder.has_checkpoint else "begins it again"
    return f"{line}; the command that began it {again}"
