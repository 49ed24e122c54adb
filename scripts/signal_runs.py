"""Send runs a signal at random moments of their lives; each must end as a stopped run does.

    python scripts/signal_runs.py
    python scripts/signal_runs.py --signals 200 --seed 1
    python scripts/signal_runs.py -m seed=0,1

Words after the options are lab's own. The moments are spread over all of a run, from the first
line of its code (as soon as it has handlers for signals, which Linux tells) to its end. SIGTERM and
SIGINT take turns. A run ends well with exit code 130 or 143, without a traceback, and with a
checkpoint if it had logged a step. A run that is done before its moment comes is tried again.
"""

import argparse
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

RUN = ["device=cpu", "seq_len=5", "size=small", "max_steps=600", "target_accuracy=null"]
RUN += ["eval_every=5", "log_every=1", "checkpoint_seconds=1000"]
MOST_SECONDS = 120.0
# A slow run says now and then how far it is.
LABS_WORDS = re.compile(r"lab: |\S+: step \d+/\d+, at most ")


@dataclass(frozen=True)
class End:
    """How a run ended.

    Args:
        after: seconds from its first line to the signal.
        code: of its exit, as a shell has it.
        stdout, stderr: what it wrote.
        steps: logged by any of its runs.
        checkpoints: how many of its runs have one.
        runs: how many runs had logged a step.
    """

    after: float
    code: int
    stdout: str
    stderr: str
    steps: int
    checkpoints: int
    runs: int


def main() -> int:
    """Print a row for each run that did not end well, and a tally; gives 1 if there was any."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--signals", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    arguments, words = parser.parse_known_args()
    moments = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as scratch:
        seconds = how_long(Path(scratch, "never-stopped"), words)
        print(f"a run takes {seconds:.1f} s from its first line")
        tally: Counter[str] = Counter()
        for number, sent in zip(range(arguments.signals), in_turns(), strict=False):
            end = signalled(Path(scratch, str(number)), words, moments, seconds, sent)
            fault = what_is_wrong(end, sent)
            when = "in training or later" if end.steps else "before the first step"
            tally[f"{sent.name}, {when}: {fault or 'ended well'}"] += 1
            if fault:
                print(f"{sent.name} after {end.after:.2f} s: {fault}\n{end.stdout}{end.stderr}")
    for line in sorted(tally):
        print(f"{tally[line]:4}  {line}")
    well = sum(count for line, count in tally.items() if line.endswith("ended well"))
    print(f"{well} of {arguments.signals} ended well")
    return int(well < arguments.signals)


def in_turns() -> Iterator[signal.Signals]:
    while True:
        yield signal.SIGTERM
        yield signal.SIGINT


def start(cwd: Path, words: list[str]) -> "subprocess.Popen[str]":
    """Start a run and wait until it notes signals."""
    cwd.mkdir(parents=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "lab", *RUN, *words],
        cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while process.poll() is None and not notes_signals(process.pid):
        time.sleep(0.001)
    return process


def notes_signals(process: int) -> bool:
    """Whether the process has a handler for SIGTERM."""
    for line in Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("SigCgt:"):
            return bool(int(line.split()[1], 16) >> (signal.SIGTERM - 1) & 1)
    return False


def how_long(cwd: Path, words: list[str]) -> float:
    """The seconds of a run from its first line to its end."""
    run = start(cwd, words)
    begin = time.monotonic()
    _, stderr = run.communicate()
    if run.returncode:
        sys.exit(f"the run failed: {stderr}")
    return time.monotonic() - begin


def signalled(
    cwd: Path, words: list[str], moments: random.Random, seconds: float, number: signal.Signals
) -> End:
    """Send a run the signal at a random moment, and see it end."""
    for attempt in range(1000):
        run = start(cwd / str(attempt), words)
        after = moments.uniform(0, seconds)
        time.sleep(after)
        if run.poll() is None:
            break
    run.send_signal(number)
    try:
        stdout, stderr = run.communicate(timeout=MOST_SECONDS)
    except subprocess.TimeoutExpired:
        run.kill()
        stdout, stderr = run.communicate()
    code = run.returncode if run.returncode >= 0 else 128 - run.returncode
    runs = [folder for folder in cwd.glob(f"{attempt}/outputs/runs/*") if steps_logged(folder)]
    steps = sum(steps_logged(folder) for folder in runs)
    checkpoints = sum((folder / "checkpoint.pt").exists() for folder in runs)
    return End(after, code, stdout, stderr, steps, checkpoints, len(runs))


def what_is_wrong(end: End, sent: signal.Signals) -> str:
    """In a few words; empty if the run ended well."""
    if end.code != 128 + sent:
        return f"exit code {end.code}"
    if "Traceback" in end.stderr:
        return "a traceback"
    if not all(LABS_WORDS.match(line) for line in end.stderr.splitlines()):
        return "other words than lab's"
    if not end.stdout and not end.stderr:
        return "not a word"
    if end.checkpoints < end.runs:
        return "no checkpoint"
    return ""


def steps_logged(folder: Path) -> int:
    try:
        return max((folder / "metrics.csv").read_text(encoding="utf-8").count("\n") - 1, 0)
    except FileNotFoundError:
        return 0


if __name__ == "__main__":
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])
    signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # a background job would hand on SIG_IGN
    sys.exit(main())
