"""One job: the run that a config asks for, done, gone on with, or shown if it is finished."""

import logging
import time
from dataclasses import dataclass
from typing import Any, Literal

from lab import provenance
from lab.config import RunConfig
from lab.errors import Interrupted, UserError
from lab.runs import RunFolder

Kind = Literal["finished", "resumed", "skipped", "failed", "busy", "interrupted"]


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Args:
        kind: finished (from its first step), resumed (and finished), skipped (was finished before),
            failed, busy (another process is at it), interrupted (can be gone on with).
        line: of text, for people.
        exit_code: of a process that did this job alone.
    """

    kind: Kind
    line: str
    exit_code: int = 0


def perform(config: RunConfig, overrides: list[str]) -> Outcome:
    """Do the job; whatever goes wrong becomes an outcome, so that a sweep goes on.

    Args:
        config: of the run.
        overrides: the words of the command line that composed it, for provenance.
    """
    folder = RunFolder(config.run_dir)
    try:
        with folder.locked():
            return _perform_locked(config, folder, overrides)
    except UserError as error:
        return Outcome("busy" if error.exit_code == 3 else "failed", str(error), error.exit_code)
    except OSError as error:
        return Outcome("failed", f"cannot write to {config.run_dir}: {error.strerror}", 1)
    except Interrupted as stop:
        line = f"{stop}; the same command goes on from there ({folder.path})"
        return Outcome("interrupted", line, stop.exit_code)
    except KeyboardInterrupt:
        line = f"stopped; the same command goes on from the last checkpoint ({folder.path})"
        return Outcome("interrupted", line, 130)


def plan(config: RunConfig) -> str:
    """What `perform` would do now: run, resume, skip, wait, run again."""
    folder = RunFolder(config.run_dir)
    if folder.is_held:
        return "busy"
    if config.fresh or folder.status is None:
        return "run"
    if folder.status == "finished":
        return "skip"
    return "resume" if folder.has_checkpoint else "run again"


def _perform_locked(config: RunConfig, folder: RunFolder, overrides: list[str]) -> Outcome:
    if folder.result is not None and not config.fresh:
        return Outcome("skipped", _shown_again(config, folder, folder.result))
    # torch is imported here and below, so that a mistake before or a finished run is told at once.
    from lab.devices import resolve
    from lab.seeding import seed_everything

    device = resolve(config.device)
    _set_threads(config.threads)
    seed_everything(config.seed)
    task = config.build_task(device)
    resumed = folder.has_checkpoint and not config.fresh
    if not resumed:
        folder.clear()
    print(f"{config.readable_name}: {'going on in' if resumed else 'results go to'} {folder.path}")
    begin_log(folder)
    origin = provenance.collect(device, config.threads, overrides)
    if folder.provenance and not config.fresh:
        origin["start"] = folder.provenance.get("start", origin["start"])
    try:
        return _train(config, folder, task, origin, resumed)
    except (Interrupted, KeyboardInterrupt):
        logging.info("interrupted")
        raise
    except Exception as error:
        logging.exception("%s: %s", type(error).__name__, error)
        folder.set_status("failed")
        if isinstance(error, UserError | OSError):
            raise
        raise UserError(f"{type(error).__name__}: {error} (see {folder.log_file})") from error


def _train(
    config: RunConfig, folder: RunFolder, task: Any, origin: dict[str, Any], resumed: bool
) -> Outcome:
    from lab.loop import train

    folder.save_config(config.to_dict())
    folder.save_provenance(origin)
    folder.set_status("running")
    begin = time.monotonic()
    result = {"task": config.task, "seed": config.seed, **train(task, config, folder)}
    folder.save_provenance({**origin, "end": provenance.now()})
    line = f"{config.headline(result)} in {time.monotonic() - begin:.1f} s → {folder.path}"
    logging.info("finished: %s", line)
    folder.save_result(result)
    return Outcome("resumed" if resumed else "finished", line)


def _set_threads(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)


def begin_log(folder: RunFolder) -> None:
    """Send log records to the run's lab.log, and to no other run's."""
    root = logging.getLogger()
    for handler in root.handlers[:]:
        root.removeHandler(handler)
        handler.close()
    handler = logging.FileHandler(folder.log_file)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    root.addHandler(handler)
    root.setLevel(logging.INFO)


def _shown_again(config: RunConfig, folder: RunFolder, result: dict[str, Any]) -> str:
    line = f"finished before: {config.headline(result)} → {folder.path}"
    changes = provenance.changes_since(folder.provenance)
    if changes:
        line += f" (changed since: {', '.join(changes)}; fresh=true runs it again)"
    return line
