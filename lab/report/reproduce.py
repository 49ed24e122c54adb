"""Run every command of the claims, then make the report. The same command continues.

    scripts/reproduce                        all of it, about 14 hours of one core
    scripts/reproduce quick                  fewer steps and seeds: minutes
    scripts/reproduce quick out_dir=/tmp/outputs

The commands run one after another; each is a sweep that uses the machine. A finished run is not
trained again. A run that was stopped continues from its checkpoint.
"""

import shlex
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from lab.cli import CONF, compose_jobs
from lab.config.errors import UserError
from lab.engine.interrupts import Interrupted
from lab.engine.run_folder import folder_of
from lab.report.claims import load_claims
from lab.report.evidence import Evidence
from lab.report.plan import Planned, plan
from lab.report.tool import make_report

SECONDS_TO_STOP = 60.0
# The pages of docs/play.md, each with the commands that train its runs.
PAGES = (
    ("seq_len=20", "seq_len=20 cell=rnn optimizer.lr=0.001"),
    ("task=gan +experiment=best",),
)


def main() -> None:
    """`python -m lab.report.reproduce [quick] [out_dir=outputs]`."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        quick, out_dir = _parse(sys.argv[1:])
        steps = list(plan(load_claims([CONF]), quick).values())
        failed = reproduce(steps, out_dir)
        for path in (*write_pages(out_dir), *make_report(Path(out_dir), [])):
            print(path, flush=True)
    except UserError as error:
        sys.exit(f"lab: {error}")
    except KeyboardInterrupt as stop:
        again = " ".join(["scripts/reproduce", *sys.argv[1:]])
        print(f"lab: stopped; nothing is lost, and {again} continues", file=sys.stderr)
        sys.exit(getattr(stop, "exit_code", 130))
    for command in failed:
        print(f"lab: failed: {command}", file=sys.stderr)
    sys.exit(bool(failed))


def _stop(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # a second signal would disturb the runs' checkpoints
    raise Interrupted(number, "stopped")


def _parse(arguments: Sequence[str]) -> tuple[bool, str]:
    quick, out_dir = False, "outputs"
    for argument in arguments:
        key, _, value = argument.partition("=")
        if argument == "quick":
            quick = True
        elif key == "out_dir" and value:
            out_dir = value
        else:
            raise UserError(f"{argument}: expected quick or out_dir=FOLDER")
    return quick, out_dir


def reproduce(steps: Sequence[Planned], out_dir: str) -> list[str]:
    """Run the commands that are not finished, one after another; return those that failed."""
    evidence = Evidence(Path(out_dir))
    waiting = [step for step in steps if step.missing(evidence)]
    left = sum(step.missing(evidence) for step in waiting)
    print(
        f"{len(steps) - len(waiting)} of {len(steps)} commands are finished; {left} runs are left"
    )
    failed = []
    for number, step in enumerate(waiting, 1):
        print(f"[{number} of {len(waiting)}] {step.command}", flush=True)
        code = _run(step, out_dir)
        if code:
            print(f"FAILED with exit code {code}: {step.command}", flush=True)
            failed.append(step.command)
    return failed


def _run(step: Planned, out_dir: str) -> int:
    """Run a command; if this process is stopped, let its runs write their checkpoints first."""
    words = [sys.executable, *shlex.split(step.command)[1:], f"out_dir={out_dir}"]
    # In a session of its own the command does not get the terminal's Ctrl-C a second time.
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(SECONDS_TO_STOP)
            except subprocess.TimeoutExpired:
                process.kill()
            raise


def write_pages(out_dir: str) -> list[Path]:
    """Write the pages of docs/play.md whose runs exist; return their paths."""
    from lab.play.tool import write_page

    written = []
    for commands in PAGES:
        configs = [config for c in commands for config in compose_jobs(f"{c} out_dir={out_dir}")]
        folders = [folder_of(config) for config in configs]
        if all(folder.result is not None for folder in folders):
            written.append(write_page(folders))
    return written


if __name__ == "__main__":
    main()
