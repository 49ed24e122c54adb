"""Run all that the report needs, then make it; the same command again goes on.

    scripts/reproduce              8 hours on 2 cores, with a report to read after each part
    scripts/reproduce quick        15 minutes: fewer steps, seeds and images, which the page says
    scripts/reproduce quick out_dir=/tmp/outputs jobs=1

Commands run side by side, as many as `jobs`. What is finished is not run again, what is half done
goes on from its checkpoint.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from lab.config.errors import Interrupted, UserError
from lab.report.plan import FULL, QUICK, Step, runs_of

MOST_SECONDS_TO_STOP = 30.0
REPORT_SECONDS = 60.0


def main() -> None:
    """`python -m lab.report.reproduce [quick] [out_dir=outputs] [jobs=2]`."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    words = sys.argv[1:]
    try:
        plan, out_dir, jobs = _parse(words)
        failed = reproduce(plan, out_dir, jobs)
    except UserError as error:
        sys.exit(f"lab: {error}")
    except KeyboardInterrupt as stop:
        again = " ".join(["scripts/reproduce", *words])
        print(f"lab: stopped, nothing is lost; go on with {again}", file=sys.stderr)
        sys.exit(getattr(stop, "exit_code", 130))
    if failed:
        print("lab: these failed, and the report says what is missing:", file=sys.stderr)
        for step in failed:
            print(f"  {step.command(out_dir)}", file=sys.stderr)
        sys.exit(1)


def _stop(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # once is enough: the runs write their checkpoints
    raise Interrupted(number, "stopped")


def _parse(words: Sequence[str]) -> tuple[Sequence[Step], str, int]:
    plan, given = FULL, {"out_dir": "outputs", "jobs": str(min(2, os.cpu_count() or 1))}
    for word in words:
        key, equals, value = word.partition("=")
        if word == "quick":
            plan = QUICK
        elif equals and value and key in given:
            given[key] = value
        else:
            raise UserError(f"{word}: expected quick, out_dir=FOLDER or jobs=NUMBER")
    if not given["jobs"].isdecimal() or int(given["jobs"]) < 1:
        raise UserError(f"jobs={given['jobs']}: expected a whole number above 0")
    return plan, given["out_dir"], int(given["jobs"])


@dataclass
class Clock:
    """How long the rest will take, from how long what is done took."""

    left: float
    jobs: int
    expected: float = 0.0
    taken: float = 0.0

    def note(self, step: Step, seconds: float, share: float, is_good: bool) -> None:
        """A step is over, of which this share had to be run; one that failed says no pace."""
        self.left -= step.seconds * share
        if is_good:
            self.expected += step.seconds * share
            self.taken += seconds

    def __str__(self) -> str:
        pace = self.taken / self.expected if self.expected > 60 else 1.0
        minutes = (self.left * pace / self.jobs + REPORT_SECONDS) / 60
        return (
            f"about {minutes / 60:.1f} h left" if minutes > 90 else f"about {minutes:.0f} min left"
        )


@dataclass
class Work:
    """A step that is to be run: how much of it, in which process, since when."""

    step: Step
    share: float
    process: "subprocess.Popen[str] | None" = None
    begin: float = field(default_factory=time.monotonic)


def reproduce(plan: Sequence[Step], out_dir: str, jobs: int) -> list[Step]:
    """Run the steps that are not finished, and make the report after each part; gives the failed.

    Raises:
        UserError: the report cannot be made.
        KeyboardInterrupt: stopped; no process is left behind.
    """
    shares = {}
    for step in plan:
        runs = runs_of(step.words, out_dir)
        shares[step] = sum(run.result is None for run in runs) / len(runs)
    clock = Clock(sum(step.seconds * share for step, share in shares.items()), jobs)
    done = sum(share == 0 for share in shares.values())
    print(f"{done} of {len(plan)} commands are finished already; {clock}", flush=True)
    failed: list[Step] = []
    for part in sorted({step.part for step in plan}):
        waiting = [Work(s, shares[s]) for s in plan if s.part == part and shares[s] > 0]
        for work, code in _side_by_side(waiting, out_dir, jobs):
            seconds = time.monotonic() - work.begin
            done += 1
            clock.note(work.step, seconds, work.share, code == 0)
            word = "done" if code == 0 else f"FAILED with exit code {code}"
            if code:
                failed.append(work.step)
            print(f"[{done:2} of {len(plan)}] {word} in {seconds:.0f} s: {work.step.serves}  "
                  f"{work.step.words}; {clock}", flush=True)  # fmt: skip
        _make_report(out_dir)
    return failed


def _side_by_side(waiting: list[Work], out_dir: str, jobs: int) -> Any:
    """Run them in their order, `jobs` at a time; yields each with its exit code as it ends."""
    running: list[Work] = []
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                work = waiting.pop(0)
                work.process, work.begin = _start(work.step, out_dir), time.monotonic()
                running.append(work)
            time.sleep(0.1)
            for work in list(running):
                assert work.process is not None
                code = work.process.poll()
                if code is not None:
                    running.remove(work)
                    yield work, code
    finally:
        _stop_all([work.process for work in running if work.process])


def _start(step: Step, out_dir: str) -> "subprocess.Popen[str]":
    log = Path(out_dir, "report", "reproduce.log")
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "a") as file:
        file.write(f"$ {step.command(out_dir)}\n")
        file.flush()
        # A session of its own: the terminal's Ctrl-C comes to us alone, and we hand it on once.
        return subprocess.Popen(
            [sys.executable, "-m", "lab", *step.arguments(out_dir)],
            stdout=file, stderr=file, stdin=subprocess.DEVNULL, text=True, start_new_session=True,
        )  # fmt: skip


def _stop_all(processes: "list[subprocess.Popen[str]]") -> None:
    """Let each write its checkpoint and end; what has not ended after half a minute is killed."""
    for process in processes:
        process.send_signal(signal.SIGINT)
    end = time.monotonic() + MOST_SECONDS_TO_STOP
    for process in processes:
        try:
            process.wait(max(end - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _make_report(out_dir: str) -> None:
    from lab.report.notebook import make

    for path in make(Path(out_dir)):
        print(path, flush=True)


if __name__ == "__main__":
    main()
