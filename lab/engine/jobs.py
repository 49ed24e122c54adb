"""One job: the run that a config asks for, done, gone on with, or shown if it is finished."""

import errno
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal

from lab.config import RunConfig
from lab.config.errors import UserError, reason
from lab.config.trust import EVERYTHING, trusting
from lab.engine import provenance, study
from lab.engine.run_folder import RunFolder

Kind = Literal["running", "finished", "resumed", "skipped", "failed", "busy", "interrupted"]
CANNOT_WRITE = (
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM,
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Args:
        kind: running (not at its end yet), finished (from its first step), resumed (and finished),
            skipped (was finished before), failed, busy (another process is at it), interrupted (can
            be gone on with).
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
        # Showing needs no lock: a finished run may lie where nobody can write.
        if not _is_done(config, folder):
            with folder.locked(), trusting(EVERYTHING):  # the user's own command
                # Another process may have finished it while we came to the lock.
                if not _is_done(config, folder):
                    return _perform_locked(config, folder, overrides)
        return Outcome("skipped", _shown_again(config, folder))
    except UserError as error:
        return Outcome("busy" if error.exit_code == 3 else "failed", str(error), error.exit_code)
    except OSError as error:
        return Outcome("failed", _file_trouble(error, folder), 1)
    except KeyboardInterrupt as stop:
        line = f"{str(stop) or 'stopped'}; the same command goes on from there ({folder.path})"
        return Outcome("interrupted", line, getattr(stop, "exit_code", 130))


def report(outcome: Outcome) -> None:
    """The line that ends a job."""
    good = outcome.exit_code == 0
    print(outcome.line if good else f"lab: {outcome.line}", file=None if good else sys.stderr)
    sys.stdout.flush()


def _is_done(config: RunConfig, folder: RunFolder) -> bool:
    return folder.status == "finished" and not config.fresh


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
    # torch is imported here and below, so that a mistake before or a finished run is told at once.
    from lab.engine.devices import resolve
    from lab.engine.loop import check
    from lab.engine.seeding import seed_everything

    with _log_to(folder):
        try:
            device = resolve(config.device)
            _set_threads(config.threads)
            seed_everything(config.seed)
            task = study.build_task(config, device)
            check(task)
        except UserError:  # the command line is wrong: no run was begun
            raise
        except Exception as error:
            raise _failed(folder, error) from error
        try:
            origin = provenance.collect(device, config.threads, overrides)
            return _train(config, folder, task, origin)
        except KeyboardInterrupt:
            logging.info("interrupted")
            raise
        except Exception as error:
            raise _failed(folder, error) from error


def _train(config: RunConfig, folder: RunFolder, task: Any, origin: dict[str, Any]) -> Outcome:
    from lab.engine import checkpoints
    from lab.engine.loop import train

    if config.fresh:
        folder.clear()
    checkpoint = checkpoints.load(folder, config.identity)
    where = f"going on after step {checkpoint['step']} in" if checkpoint else "results go to"
    print(f"{config.readable_name}: {where} {folder.path}", flush=True)
    if checkpoint is None:
        folder.clear(keep_log=True)  # events and figures of a run that cannot be gone on with
    else:
        origin["start"] = folder.provenance.get("start", origin["start"])
    folder.save_config(config.to_dict())
    folder.save_provenance(origin)
    folder.set_status("running")
    begin = time.monotonic()
    trained = train(task, config, folder, checkpoint)
    result = {"task": config.task, "seed": config.seed, **trained}
    folder.save_provenance({**origin, "end": provenance.now()})
    line = f"{study.headline(config, result)} in {time.monotonic() - begin:.1f} s → {folder.path}"
    logging.info("finished: %s", line)
    folder.save_result(result)
    return Outcome("resumed" if checkpoint else "finished", line)


def _failed(folder: RunFolder, error: Exception) -> Exception:
    """Note in the run's folder why it failed; gives what to tell the user."""
    logging.exception("%s: %s", type(error).__name__, error)
    with suppress(OSError):  # the disk may be full
        folder.set_status("failed")
    if isinstance(error, UserError | OSError):
        return error
    return UserError(_unforeseen(error, folder))


def _file_trouble(error: OSError, folder: RunFolder) -> str:
    """The line for a disk that is full, a folder that is read-only, a file that is missing."""
    if error.errno in CANNOT_WRITE:
        return f"cannot write to {folder.path}: {error.strerror}"
    return _unforeseen(error, folder)


def _unforeseen(error: Exception, folder: RunFolder) -> str:
    return f"{reason(error)} (see {folder.log_file})"


def _set_threads(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)


@contextmanager
def _log_to(folder: RunFolder) -> Iterator[None]:
    """Send log records to the run's lab.log, and to no other run's."""
    # A full disk is told in one line of ours, not in a traceback for each record.
    logging.raiseExceptions = False
    handler = logging.FileHandler(folder.log_file, delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    root = logging.getLogger()
    before, root.handlers = root.handlers, [handler]
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.handlers = before
        handler.close()


def _shown_again(config: RunConfig, folder: RunFolder) -> str:
    line = f"finished before: {study.headline(config, folder.result or {})} → {folder.path}"
    changes = provenance.changes_since(folder.provenance)
    if changes:
        line += f" (changed since: {', '.join(changes)}; fresh=true runs it again)"
    return line
