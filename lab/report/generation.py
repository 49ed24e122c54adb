"""B1-B4: losses, balance and quality of the GANs, each verdict computed by the rule beside it."""

from math import log
from typing import Any

import numpy as np
import pandas as pd

from lab.generation.figures import sweep_quality
from lab.report.evidence import FAILS, HOLDS, ONLY_IF, Finding, Results, table_of
from lab.report.figures import Panel, curves, smoothed

SEEDS = 3
LOG_2 = log(2)
NEAR_LOG_2 = 0.1
# "Near zero" for a mean of two cross-entropies, whose coin stands at log 2.
NEAR_ZERO = 0.1
# Share of the steps, at the begin or the end, over which a curve is averaged.
TAIL = 0.1
BATCHES = 938  # of an epoch of MNIST

SHARED = {
    "task": "gan",
    "data.name": "mnist",
    "optimizer._target_": "torch.optim.Adam",
    "optimizer.lr": 2e-4,
    "optimizer.betas": [0.5, 0.999],
    "batch_size": 64,
    "arithmetic": "fp32",
    "ema": None,
    "lr_schedule": "constant",
    "discriminator_lr": None,
    "discriminator.spectral_norm": False,
}
NON_SATURATING = {"loss._target_": "lab.generation.losses.NonSaturating"}
WIDE = {"generator.widths": [128, 256, 512, 1024]}
B3 = {
    **SHARED,
    **NON_SATURATING,
    **WIDE,
    "discriminator.widths": [512, 256],
    "discriminator.dropout": 0.0,
}
B4 = {
    **SHARED,
    **NON_SATURATING,
    **WIDE,
    "discriminator.widths": [256, 128],
    "discriminator.dropout": 0.4,
}
MINIMAX = {**B3, "loss._target_": "lab.generation.losses.Minimax"}
B2 = {
    **SHARED,
    **NON_SATURATING,
    "generator.widths": [256, 256, 256],
    "discriminator.widths": [256, 256],
}
OURS = {
    "task": "gan",
    "data.name": "mnist",
    "loss._target_": "lab.generation.losses.Hinge",
    "generator._target_": "lab.generation.networks.MLPGenerator",
    "ema": 0.999,
}

QUALITY = {
    "FID (judge)": ("fid", ".2f"),
    "recall": ("recall", ".2f"),
    "precision": ("precision", ".2f"),
    "classes": ("classes", ".0f"),
    "held-out pairs D ranks rightly": ("d_auc", ".3f"),
    "seconds": ("seconds", ",.0f"),
}


def with_losses(results: Results, runs: pd.DataFrame) -> pd.DataFrame:
    """The runs with the means of their losses over the first and the last tenth of the steps."""
    rows = []
    for run in runs["run"] if len(runs) else ():
        metrics = results.folder(run).read_metrics()
        size = max(int(len(metrics["step"]) * TAIL), 1)
        row = {"run": run}
        for name in ("d_loss", "g_loss", "d_right", "d_fake"):
            row[f"{name}_first"] = float(np.mean(metrics[name][:size]))
            row[f"{name}_last"] = float(np.mean(metrics[name][-size:]))
        rows.append(row)
    return runs.merge(pd.DataFrame(rows), on="run") if rows else runs


def same_n(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs whose FID is of the most frequent number of images: others do not compare."""
    return runs[runs["n"] == runs["n"].mode().iloc[-1]] if len(runs) else runs


def quality_figure(runs: pd.DataFrame, series: Any) -> Any:
    """FID and recall, a mark for each run, a row for each of `series` at each number of steps."""
    steps = runs["steps"].map(", {:,} steps".format)
    runs = same_n(runs.assign(series=series + steps))
    return sweep_quality(runs.sort_values(["steps", "series"]).to_dict("records"))


def loss_figure(results: Results, named: dict[str, str], title: str) -> Any:
    """Both losses and how often D is right, for some runs: name: run."""
    losses, right = {}, {}
    for name, run in named.items():
        metrics = results.folder(run).read_metrics()
        for player in ("d", "g"):
            losses[f"{name}: {player.upper()}"] = smoothed(
                metrics["step"], metrics[f"{player}_loss"]
            )
        right[f"{name}: D"] = smoothed(metrics["step"], metrics["d_right"])
    panels = [
        Panel("loss (nats)", losses, {"log 2": LOG_2}),
        Panel("D is right on training batches", right, {"a coin": 0.5}, limits=(0, 1.02)),
    ]
    return curves(title, "optimizer step", panels)


def longest(runs: pd.DataFrame) -> pd.DataFrame:
    """Those of the runs with the most steps."""
    return runs[runs.steps == runs.steps.max()] if len(runs) else runs


def most_seeds(runs: pd.DataFrame) -> pd.DataFrame:
    """Those of the number of steps that most seeds have, the largest such number."""
    seeds = runs.groupby("steps").seed.nunique()
    return runs[runs.steps == seeds[seeds == seeds.max()].index.max()]


def common_steps(runs: pd.DataFrame, rival: pd.DataFrame) -> list[int]:
    """The numbers of steps that runs of both were trained for."""
    return sorted(set(runs.steps) & set(rival.steps)) if len(runs) and len(rival) else []


def b1(results: Results) -> Finding:
    """The minimax game beside the non-saturating one."""
    minimax, other = (with_losses(results, results.where(s)) for s in (MINIMAX, B3))
    finding = Finding(
        "B1",
        "the derivative of G's loss by D's logit is D(G(z)) in the minimax game and 1-D(G(z)) in "
        "the other, so both are read off the logged mean of "
        "D(G(z)) in the first tenth of the steps: holds if the non-saturating one is at least 3 "
        "times as large and its FID at equal steps is less",
        evidence=pd.concat([minimax, other]),
    )
    steps = common_steps(minimax, other)
    if not steps:
        return finding.open("runs of the minimax game and of B3 with equal steps")
    minimax, other = (runs[runs.steps.isin(steps)] for runs in (minimax, other))
    own, rival = float(minimax.d_fake_first.mean()), float(1 - other.d_fake_first.mean())
    last = (
        steps[-1]
        if min((minimax.steps == steps[-1]).sum(), (other.steps == steps[-1]).sum()) >= SEEDS
        else steps[0]
    )
    fids = [float(runs[runs.steps == last].fid.mean()) for runs in (minimax, other)]
    stronger, better = rival >= 3 * own, fids[1] < fids[0]
    if stronger and better:
        leaning, condition = HOLDS, ""
    elif stronger:
        leaning, condition = ONLY_IF, "it is about the gradient, not the images"
    else:
        leaning, condition = FAILS, ""
    n = min(int((runs.steps == last).sum()) for runs in (minimax, other))
    finding.judge(leaning, condition, n=n, needed=SEEDS, of=f"seeds at {last:,} steps")
    finding.reason = (
        f"In the first tenth of training the mean derivative by D's logit is {own:.3f} in the "
        f"minimax game and {rival:.3f} in the non-saturating one, "
        f"{rival / own:.1f} times as much. At {last:,} steps the FID is {fids[0]:.1f} against "
        f"{fids[1]:.1f}."
    )
    both = pd.concat([minimax.assign(game="minimax"), other.assign(game="non-saturating")])
    finding.table = table_of(
        both, ["game", "steps", "n"], {"D(G(z)), first tenth": ("d_fake_first", ".3f"), **QUALITY}
    )
    run = {
        name: group.sort_values(["steps", "seed"], ascending=[False, True]).run.iloc[0]
        for name, group in both.groupby("game")
    }
    finding.figures["b1_losses"] = loss_figure(results, run, "B1: the two games, one run each")
    finding.figures["b1_quality"] = quality_figure(both, both.game)
    return finding


def b2(results: Results) -> Finding:
    """Three hidden layers of 256."""
    runs = results.where(B2)
    finding = Finding(
        "B2",
        "digits by the middle: the judge is sure (above 0.95) of at least half of the samples "
        "halfway; blurry to the end: precision at the end below "
        "0.9 of what real images get. Both: holds. Blur itself is not measured",
        evidence=runs,
    )
    if runs.empty:
        return finding.open("a run of these nets")
    runs = longest(runs)
    halfway = [_at_half(results.folder(run).read_metrics(), "clear") for run in runs.run]
    middle, precision, real = (
        float(np.nanmean(halfway)),
        float(runs.precision.mean()),
        float(runs.real_precision.mean()),
    )
    early, blurry = middle >= 0.5, precision < 0.9 * real
    if early and blurry:
        leaning, condition = HOLDS, ""
    elif early:
        leaning, condition = (
            ONLY_IF,
            "“blurry” is dropped: at the end the samples lie among the real images as these do "
            "among themselves",
        )
    else:
        leaning, condition = FAILS, ""
    epochs = float(runs.trained_epochs.max())
    finding.table = table_of(runs, ["steps", "n"], QUALITY)
    finding.reason = (
        f"Halfway through {epochs:.0f} epochs the judge is sure of {middle:.0%} of the samples; "
        f"at the end precision is {precision:.2f} (real images "
        f"{real:.2f}) and recall {float(runs.recall.mean()):.2f} (real "
        f"{float(runs.real_recall.mean()):.2f})."
    )
    first = results.folder(runs.run.iloc[0])
    for when in ("start", "half", "end"):
        finding.figures[f"b2_{when}"] = first.path / "figures" / f"samples_{when}.png"
    if epochs < 100:
        said = f"100 epochs of the source's 200; there are {epochs:.1f}"
        return finding.open(said, leaning, condition)
    finding.judge(leaning, condition, n=len(runs), needed=1)
    return finding


def _at_half(metrics: dict[str, list[float]], name: str) -> float:
    """The value measured nearest to half of the steps; nan if none was."""
    found = [
        (abs(step - metrics["step"][-1] / 2), value)
        for step, value in zip(metrics["step"], metrics[name], strict=True)
        if value == value
    ]
    return min(found)[1] if found else float("nan")
