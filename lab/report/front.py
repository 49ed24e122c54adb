"""The first page: five sentences, two figures; and how much of the plan they rest on."""

from collections import Counter
from typing import Any

import pandas as pd

from lab.report import (
    balance,
    by_hand,
    generation,
    latent,
    memory,
    memory_flow,
    memory_lengths,
    progress,
)
from lab.report.evidence import FAILS, HOLDS, ONLY_IF, OPEN, Finding, Results
from lab.report.plan import FULL, QUICK, runs_of

JUDGES = {
    "A1": memory.a1,
    "A2": memory.a2,
    "A3": memory.a3,
    "A4": memory_lengths.a4,
    "A5": memory_lengths.a5,
    "A6": memory.a6,
    "A7": memory_flow.a7,
    "B1": generation.b1,
    "B2": generation.b2,
    "B3": balance.b3,
    "B4": balance.b4,
    "B5": progress.b5,
    "B6": progress.b6,
    "B7": latent.b7,
    "B8": latent.b8,
    "B9": latent.b9,
    "B10": by_hand.b10,
    "B11": by_hand.b11,
    "B12": by_hand.b12,
    "B13": progress.b13,
}


def judge_all(results: Results) -> dict[str, Finding]:
    """Every experiment's finding, in order."""
    return {name: judge(results) for name, judge in JUDGES.items()}


def our_memory(results: Results) -> pd.DataFrame:
    """The runs of our defaults, every length."""
    return results.where(
        memory.OURS,
        {
            "cell.init": "forget_bias",
            "cell.forget_bias": 5.0,
            "optimizer.lr": 0.01,
            "max_steps": None,
            "train_part": 0.8,
        },
        cell="lstm",
    )


def sentences(results: Results, findings: dict[str, Finding]) -> list[str]:
    """What was found, in five."""
    counts = Counter(finding.verdict for finding in findings.values())
    said = [
        f"Of the sources' {len(findings)} experiments the claims of {counts[HOLDS]} hold, "
        f"{counts[ONLY_IF]} hold only under a condition, "
        f"{counts[FAILS]} do not hold and {counts[OPEN]} are not settled by the runs there are."
    ]
    ours = our_memory(results)
    if len(ours):
        perfect = int((ours.val_accuracy == 1).sum())
        said.append(
            "An LSTM whose forget gate starts open is right on every held-out palindrome in "
            f"{perfect} of {len(ours)} runs, T={ours.seq_len.min():.0f} to "
            f"{ours.seq_len.max():.0f}, "
            f"after {ours.steps.min()} to {ours.steps.max()} steps."
        )
    else:
        said.append("Our own memory settings have not been run.")
    for name in ("A2", "B4", "B9"):
        finding = findings[name]
        first = finding.reason.split(". ")[0].rstrip(".") or "It has not been run"
        said.append(f"{name}: {finding.phrase}. {first}.")
    return said


def figures(results: Results, findings: dict[str, Finding]) -> dict[str, Any]:
    """Memory: accuracy against length. Generation: quality of B3, B4 and ours."""
    drawn: dict[str, Any] = {}
    ours = our_memory(results)
    source = findings["A5"].evidence
    source = source[source["input"] == "one_hot"] if len(source) else source
    if len(ours) or len(source):
        runs = pd.concat(
            [
                ours.assign(series="ours: LSTM, forget bias 5, lr 1e-2"),
                source.assign(series="source: " + source.label) if len(source) else source,
            ]
        )
        drawn["accuracy_vs_length"] = memory.accuracy_figure(runs, runs["series"])
    groups = [
        results.where(s).assign(series=name)
        for name, s in (
            ("ours", generation.OURS),
            ("B3", generation.B3),
            ("B4", generation.B4),
        )
    ]
    groups = [group for group in groups if len(group)]
    if groups:
        runs = pd.concat(groups)
        runs = runs[runs["fid"].notna()]
        drawn["gan_quality"] = generation.quality_figure(runs, runs.series)
    return drawn


def own_pictures(results: Results) -> dict[str, Any]:
    """Samples and walks of our longest GAN run, as README shows them."""
    runs = generation.longest(results.where(generation.OURS))
    if runs.empty:
        return {}
    folder = results.folder(runs.sort_values("seed").run.iloc[0]).path / "figures"
    return {"gan_samples": folder / "samples_end.png", "gan_walk": folder / "interpolation.png"}


def plan_so_far(results: Results) -> pd.DataFrame:
    """A row for each command of the full plan: how many of its runs are finished."""
    rows = []
    for step in FULL:
        runs = runs_of(step.words, str(results.out_dir))
        done = sum(run.result is not None for run in runs)
        rows.append(
            {
                "for": step.serves,
                "runs finished": f"{done} of {len(runs)}",
                "is_done": done == len(runs),
                "command": step.command(str(results.out_dir)),
            }
        )
    return pd.DataFrame(rows)


def basis(results: Results) -> str:
    """On which plan's runs the page rests, in a sentence or two."""
    finished = {str(path) for path in results.runs["run"]} if len(results.runs) else set()
    counts = {}
    for name, plan in (("quick", QUICK), ("full", FULL)):
        planned = {
            str(run.path) for step in plan for run in runs_of(step.words, str(results.out_dir))
        }
        counts[name] = len(planned & finished), len(planned)
    quick, full = counts["quick"], counts["full"]
    words = (
        f"It rests on {len(finished)} finished runs: {full[0]} of the {full[1]} of the full plan"
    )
    words += (
        f" and {quick[0]} of the {quick[1]} of the quick one, which has fewer steps, seeds and "
        "images"
        if quick[0]
        else ""
    )
    words += "."
    if full[0] < full[1]:
        words += " What has not been run is listed at the end, with the commands that run it."
    return words
