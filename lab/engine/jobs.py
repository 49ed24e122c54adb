"""One job: begin or continue the run that a config describes, or show it if it is finished."""

import errno
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lab.config import RunConfig
from lab.config.components import check_own_classes
from lab.config.errors import UserError, reason, say
from lab.config.trust import EVERYTHING, trusting
from lab.engine import interrupts, provenance, study
from lab.engine.files import short
from lab.engine.run_folder import RunFolder, Status, folder_of

Plan = Literal["run", "resume", "finished before", "run again"]
Kind = Literal[
    "running", "finished", "resumed", "finished before", "failed", "busy", "interrupted"
]  # fmt: skip
Ended = tuple[Kind, str, dict[str, Any]]
"""How a run ended, the line that says so, and its result."""
CANNOT_WRITE = (
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM,
)  # fmt: skip

log = logging.getLogger("lab")


@dataclass(frozen=True)
class Outcome:
    """The outcome of a job.

    Args:
        kind: running (not yet at its end), finished (from its first step), resumed (continued and
            finished), finished before (this job had nothing to do), failed, busy (another process
            is training it), interrupted (it can be continued).
        line: a line to print.
        exit_code: the exit code of a process with this job alone.
        run: the run's folder; None if there is no valid config.
        status: what the folder says of the run at the end.
        objective: what a search improves, of a finished run.
    """

    kind: Kind
    line: str
    exit_code: int = 0
    run: Path | None = None
    status: Status | None = None
    objective: float | None = None


def plan(config: RunConfig, folder: RunFolder, fresh_for: str = "") -> Plan:
    """What to do for a run, from the files in its folder.

    Args:
        fresh_for: see `perform`.
    """
    status = folder.status
    if status is None or starts_over(config, folder, fresh_for):
        return "run"
    if status == "finished":
        return "finished before"
    return "resume" if folder.has_checkpoint else "run again"


def starts_over(config: RunConfig, folder: RunFolder, fresh_for: str = "") -> bool:
    """Whether `fresh=true` still has to be done: it acts once.

    A run that began because of it and was interrupted is continued, and in a sweep that was stopped
    a run that it has finished already stays.

    Args:
        fresh_for: see `perform`.
    """
    if not config.fresh:
        return False
    begun_for = folder.provenance.get("fresh")
    if begun_for is None:
        return True
    is_done = fresh_for != "" and begun_for == fresh_for
    return not is_done and folder.status not in ("running", "interrupted")


def preview(config: RunConfig, fresh_for: str = "") -> str:
    """A line that says what `perform` would do now."""
    folder = folder_of(config)
    return f"{_would_do(config, folder, fresh_for):15}  {short(folder.path)}"


def _would_do(
    config: RunConfig, folder: RunFolder, fresh_for: str
) -> Plan | Literal["busy", "other data"]:
    if folder.is_held:
        return "busy"
    planned = plan(config, folder, fresh_for)
    with trusting(EVERYTHING):  # the user's own command
        if planned != "finished before":
            check_own_classes(config.to_dict())
        if planned == "resume" and provenance.data_change(config, folder):
            return "other data"
    return planned


def perform(
    config: RunConfig,
    command: Sequence[str],
    begin: Callable[[Outcome], object] = lambda outcome: None,
    fresh_for: str = "",
) -> Outcome:
    """Do the job. Every error becomes an outcome, so that a sweep continues.

    Args:
        config: the run's config.
        command: the arguments of `python -m lab` that make this run, for provenance.
        begin: called with the outcome "running" before the training, if there is any.
        fresh_for: names the sweep that starts over; a run that it has started over is not started
            over again.
    """
    folder = folder_of(config)
    kind: Kind
    with trusting(EVERYTHING):  # the user's own command
        try:
            return _shown_or_trained(config, folder, command, begin, fresh_for)
        except UserError as error:
            kind = "busy" if error.exit_code == 3 else "failed"
            line, code = str(error), error.exit_code
        except OSError as error:
            kind, line, code = "failed", _file_trouble(error, folder), 1
        except KeyboardInterrupt as stop:
            how_far = str(stop) or "stopped"
            line = f"{how_far}; the same command continues it ({short(folder.path)})"
            kind, code = "interrupted", getattr(stop, "exit_code", 130)
    return Outcome(kind, line, code, folder.path, folder.status)


def _shown_or_trained(
    config: RunConfig,
    folder: RunFolder,
    command: Sequence[str],
    begin: Callable[[Outcome], object],
    fresh_for: str,
) -> Outcome:
    ended = None
    # A finished run is shown without a lock, because its folder may be read-only.
    if plan(config, folder, fresh_for) != "finished before":
        with folder.locked():
            # Another process may have finished it before we had the lock.
            if plan(config, folder, fresh_for) != "finished before":
                begin(Outcome("running", "", run=folder.path))
                # torch is imported here, so that a wrong argument or a finished run is answered
                # at once.
                from lab.engine.process import own_process

                with _log_to(folder), own_process():
                    ended = _train(config, folder, command, fresh_for)
    kind, line, result = ended or _shown_again(config, folder)
    objective = study.objective(config, result)
    return Outcome(kind, line, run=folder.path, status="finished", objective=objective)


def report(outcome: Outcome) -> None:
    """Print the line that ends a job."""
    if outcome.exit_code:
        say(outcome.line)
    else:
        print(outcome.line, flush=True)


def _train(config: RunConfig, folder: RunFolder, command: Sequence[str], fresh_for: str) -> Ended:
    import torch

    from lab.engine import checkpoints
    from lab.engine.loop import check, train
    from lab.engine.process import resolve_device, seed_everything
    from lab.figures.style import own_style

    with _record_failure(folder, but=UserError):  # a wrong command line begins no run
        interrupts.act()
        device = resolve_device(config.device)
        torch.set_num_threads(config.threads)
        seed_everything(config.seed)
        task = study.build_task(config, device)
        is_fresh = starts_over(config, folder, fresh_for)
        if folder.has_checkpoint and not is_fresh:
            provenance.check_begun(folder, task.data_checksum)
        with own_style():
            check(task)
        interrupts.act()
    with _record_failure(folder):
        begun_for = folder.provenance.get("fresh")
        if is_fresh:
            folder.clear()
        checkpoint = checkpoints.load(folder, config.identity)
        origin = provenance.collect(device, config.threads, command)
        origin["data"] = task.data_checksum
        if task.precision is not None:
            origin["precision"] = task.precision
        if checkpoint is None:
            folder.clear(keep_log=True)  # remove files of a run that cannot be continued
            where = "results go to"
        else:
            origin = _resumed_provenance(config, folder, origin, checkpoint["step"])
            where = f"continuing after step {checkpoint['step']} in"
        if config.fresh:
            origin["fresh"] = begun_for if begun_for and not is_fresh else fresh_for or "this run"
        print(f"{config.readable_name}: {where} {short(folder.path)}", flush=True)
        folder.save_config(config.to_dict())
        folder.save_provenance(origin)
        folder.set_status("running")
        begin = time.monotonic()
        with own_style():
            trained = train(task, config, folder, checkpoint)
        result = {"task": config.task, "seed": config.seed, **trained}
        folder.save_provenance({**origin, "end": provenance.now()})
        training = result["seconds"]
        now = training - (checkpoint["seconds"] if checkpoint else 0)
        rest = max(time.monotonic() - begin - now, 0)
        times = f"training {training:.1f} s, tests and figures {rest:.1f} s"
        line = f"{study.headline(config, result)}; {times} → {short(folder.path)}"
        log.info("finished: %s", line)
        folder.save_result(result)
    return "resumed" if checkpoint else "finished", line, result


def _resumed_provenance(
    config: RunConfig, folder: RunFolder, origin: dict[str, Any], step: int
) -> dict[str, Any]:
    """The provenance of a run that continues after a step; warns if the bits will differ."""
    begun = folder.provenance
    changes = provenance.bits_changed(begun, origin)
    legs = begun.get("changed_on_the_way", [])
    if changes:
        what = ", ".join(changes)
        print(
            f"{config.readable_name}: {what} since the run began, so the result will not be "
            "bitwise equal to that of an uninterrupted run",
            flush=True,
        )
        legs = [*legs, f"after step {step}: {what}"]
    origin = {**origin, "start": begun.get("start", origin["start"])}
    return {**origin, "changed_on_the_way": legs} if legs else origin


@contextmanager
def _record_failure(folder: RunFolder, but: type[Exception] | tuple[()] = ()) -> Iterator[None]:
    """A context that notes in the run's folder why it failed, and raises a UserError.

    Args:
        folder: the run's folder.
        but: exceptions that are raised on and not noted.
    """
    try:
        yield
    except KeyboardInterrupt:
        log.info("interrupted")
        raise
    except but:
        interrupts.act()  # Ctrl-C during a download looks like a failed download
        raise
    except Exception as error:
        log.exception("%s: %s", type(error).__name__, error)
        with suppress(OSError):  # the disk may be full
            folder.set_status("failed")
        if isinstance(error, UserError | OSError):
            raise
        raise UserError(_unforeseen(error, folder)) from error


def _file_trouble(error: OSError, folder: RunFolder) -> str:
    """The message for a full disk, a read-only folder or a missing file."""
    if error.errno == errno.ENOENT and not folder.path.exists():
        return f"{short(folder.path)} was removed while the run was training"
    if error.errno in CANNOT_WRITE:
        return f"cannot write to {short(folder.path)}: {error.strerror}"
    return _unforeseen(error, folder)


def _unforeseen(error: Exception, folder: RunFolder) -> str:
    if not folder.log_file.exists():
        return reason(error)
    return f"{reason(error)} (see {short(folder.log_file)})"


@contextmanager
def _log_to(folder: RunFolder) -> Iterator[None]:
    """A context in which `lab` logs to this run's lab.log, and to no other run's."""
    handler = _Quiet(folder.log_file, delay=True, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    hosts = log.level, log.propagate, log.disabled, logging.root.manager.disable
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    # Our lines do not go to a host's handlers, and a host that has disabled loggers gets lab.log.
    log.propagate = log.disabled = False
    logging.disable(logging.NOTSET)
    try:
        yield
    finally:
        level, log.propagate, log.disabled, disabled = hosts
        log.setLevel(level)
        logging.disable(disabled)
        log.removeHandler(handler)
        handler.close()


class _Quiet(logging.FileHandler):
    """A handler without a traceback for each record when the disk is full."""

    def handleError(self, record: logging.LogRecord) -> None:
        pass


def _shown_again(config: RunConfig, folder: RunFolder) -> Ended:
    origin, result = folder.provenance, folder.result or {}
    try:
        line = f"finished before: {study.headline(config, result)}"
    except (KeyError, TypeError, ValueError) as error:
        file = short(folder.path / "result.json")
        what = f"has no {error}" if isinstance(error, KeyError) else f"is damaged ({error})"
        raise UserError(f"{file} {what}: restore it, or run again with fresh=true") from error
    if "device" in origin:
        line += f" on {origin['device']}"
    line += f" → {short(folder.path)}"
    changes = [*provenance.changes_since(origin), provenance.data_change(config, folder)]
    if changes := list(filter(None, changes)):
        line += f" (changed since: {', '.join(changes)}; fresh=true runs it again)"
    return "finished before", line, result
