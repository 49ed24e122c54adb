"""What a sweep notes after each of its jobs, and tells after the last."""

import shutil

from lab.config import RunConfig
from lab.config.trust import EVERYTHING, trusting
from lab.engine.jobs import Outcome, report
from lab.sweeps.records import Announce, Sweep
from lab.sweeps.summary import rebuild, rebuild_now_and_then


def note(
    sweep: Sweep, number: int, overrides: list[str], config: RunConfig | None, outcome: Outcome
) -> None:
    """Write down what became of a job of a sweep, and the summary."""
    try:
        sweep.record(number, overrides, config, outcome)
        if outcome.kind != "running":
            with trusting(EVERYTHING):  # the user's own command
                rebuild_now_and_then(sweep.folder)
    except OSError as error:  # an exception in a launcher's worker would end the sweep
        report(Outcome("failed", f"cannot write to {sweep.folder}: {error.strerror}", 1))


def end_of_sweep(code: str | int | None) -> str | int | None:
    """Draw the summary a last time and tell what became of the jobs; gives the exit code."""
    if Announce.folder is None or not Announce.folder.is_dir():
        return code
    sweep = Sweep(Announce.folder)
    if not sweep.records():
        sweep.discard()
        return code
    lines, worst = sweep.recap(Announce.begin)
    if Announce.is_dry:
        shutil.rmtree(sweep.folder)
        return code or worst
    print("\n".join(lines), flush=True)
    try:
        with trusting(EVERYTHING):
            rebuild(sweep.folder)
    except OSError as error:
        report(Outcome("failed", f"cannot write to {sweep.folder}: {error.strerror}", 1))
        return code or 1
    return code or worst
