"""Run every command of the claims, then make the report. The same command continues.

    scripts/reproduce                        all of it, about 10 hours of one core
    scripts/reproduce quick                  fewer steps and seeds: 15 minutes on two cores
    scripts/reproduce quick out_dir=/tmp/outputs jobs=1

`jobs` commands run at a time. A finished run is not trained again. A run that was stopped continues
from its checkpoint.
"""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

from lab.cli import CONF, compose_jobs
from lab.config.errors import UserError
from lab.engine.interrupts import Interrupted
from lab.engine.run_folder import folder_of
from lab.report.claims import load_claims
from lab.report.evidence import Evidence
from lab.report.selection import Planned, plan
from lab.report.tool import make_report

SECONDS_TO_STOP = 30.0
# The pages of docs/play.md, each with the commands that train its runs.
PAGES = (
    ("seq_len=20", "seq_len=20 cell=rnn optimizer.lr=0.001"),
    ("task=gan +experiment=best",),
)


def main() -> None:
    """`python -m lab.report.reproduce [quick] [out_dir=outputs] [jobs=2]`."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        quick, out_dir, jobs = _parse(sys.argv[1:])
        steps = list(plan(load_claims([CONF]), quick).values())
        failed = reproduce(steps, out_dir, jobs)
        for path in (*write_pages(out_dir), *make_report(Path(out_dir))):
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


def _parse(arguments: Sequence[str]) -> tuple[bool, str, int]:
    quick, given = False, {"out_dir": "outputs", "jobs": str(min(2, os.cpu_count() or 1))}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if argument == "quick":
            quick = True
        elif equals and value and key in given:
            given[key] = value
        else:
            raise UserError(f"{argument}: expected quick, out_dir=FOLDER or jobs=NUMBER")
    if not given["jobs"].isdecimal() or int(given["jobs"]) < 1:
        raise UserError(f"jobs={given['jobs']}: expected a whole number of at least 1")
    return quick, given["out_dir"], int(given["jobs"])


def reproduce(steps: Sequence[Planned], out_dir: str, jobs: int) -> list[str]:
    """Run the commands that are not finished; return those that failed.

    Raises:
        KeyboardInterrupt: it was stopped; no process is left running.
    """
    evidence = Evidence(Path(out_dir))
    waiting = [step for step in steps if step.missing(evidence)]
    left, total = sum(step.missing(evidence) for step in waiting), len(waiting)
    print(
        f"{len(steps) - total} of {len(steps)} commands are finished; {left} runs are left",
        flush=True,
    )
    failed, begin = [], time.monotonic()
    for done, (step, code) in enumerate(_side_by_side(waiting, out_dir, jobs), 1):
        outcome = "done" if code == 0 else f"FAILED with exit code {code}"
        failed += [step.command] if code else []
        minutes = (time.monotonic() - begin) / 60
        print(f"[{done} of {total}, {minutes:.0f} min] {outcome}: {step.command}", flush=True)
    return failed


def write_pages(out_dir: str) -> list[Path]:
    """Write the pages of docs/play.md whose runs exist; return their paths.

    Raises:
        UserError: a run has no weights.
    """
    from lab.play.tool import write_page

    written = []
    for commands in PAGES:
        configs = [config for c in commands for config in compose_jobs(f"{c} out_dir={out_dir}")]
        folders = [folder_of(config) for config in configs]
        if all(folder.result is not None for folder in folders):
            written.append(write_page(folders))
    return written


def _side_by_side(waiting: list[Planned], out_dir: str, jobs: int) -> Iterator[tuple[Planned, int]]:
    """Run the commands in order, `jobs` at a time; yield each with its exit code when it ends."""
    running: list[tuple[Planned, subprocess.Popen[str]]] = []
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                step = waiting.pop(0)
                running.append((step, _start(step, out_dir)))
            time.sleep(0.1)
            for step, process in list(running):
                code = process.poll()
                if code is not None:
                    running.remove((step, process))
                    yield step, code
    finally:
        _stop_all([process for _, process in running])


def _start(step: Planned, out_dir: str) -> "subprocess.Popen[str]":
    log = Path(out_dir, "report", "reproduce.log")
    log.parent.mkdir(parents=True, exist_ok=True)
    arguments = [*shlex.split(step.command)[1:], f"out_dir={out_dir}"]
    with open(log, "a", encoding="utf-8") as file:
        file.write(f"$ {step.command}\n")
        file.flush()
        # In a session of its own the process does not get the terminal's Ctrl-C; _stop_all sends
        # it.
        return subprocess.Popen(
            [sys.executable, *arguments],
            stdout=file,
            stderr=file,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )


def _stop_all(processes: "list[subprocess.Popen[str]]") -> None:
    """Let each process write its checkpoint and end; after half a minute, kill it."""
    for process in processes:
        process.send_signal(signal.SIGINT)
    end = time.monotonic() + SECONDS_TO_STOP
    for process in processes:
        try:
            process.wait(max(end - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()
