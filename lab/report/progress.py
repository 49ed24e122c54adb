"""B5, B6 and B13: what training shows on the way, saved generators, quality against time."""

from typing import Any

import pandas as pd

from lab.generation.finished import open_run
from lab.generation.latent import generate
from lab.report.evidence import FAILS, HOLDS, ONLY_IF, Finding, Results, table_of
from lab.report.figures import Panel, curves
from lab.report.generation import B3, B4, QUALITY, SEEDS, longest, most_seeds
from lab.report.latent import picture_of

CONV = {
    "task": "gan",
    "generator._target_": "lab.generation.networks.ConvGenerator",
    "data.name": "mnist",
}


def b5(results: Results) -> Finding:
    """25 images at three times."""
    runs = longest(results.where(B4))
    finding = Finding(
        "B5",
        "progress: the judge's FID falls from the first look to the one halfway and from there to "
        "the end",
        evidence=runs,
    )
    if runs.empty:
        return finding.open("a run of B4")
    rows = []
    for run in runs.run:
        metrics = results.folder(run).read_metrics()
        looks = [
            (step, fid)
            for step, fid in zip(metrics["step"], metrics["fid"], strict=True)
            if fid == fid
        ]
        half = min(looks, key=lambda look: abs(look[0] - looks[-1][0] / 2))
        rows.append(
            {
                "run": run.rpartition("/")[2],
                "first look": looks[0][1],
                "halfway": half[1],
                "end": looks[-1][1],
            }
        )
    finding.table = pd.DataFrame(rows).round(2)
    first, half_way, end = (
        float(finding.table[c].mean()) for c in ("first look", "halfway", "end")
    )
    finding.reason = (
        f"At the start the generator makes noise; the FID of {int(runs.eval_samples.iloc[0]):,} "
        f"samples is {first:.1f} at the first look, {half_way:.1f} "
        f"halfway and {end:.1f} at the end ({int(runs.steps.iloc[0]):,} steps)."
    )
    for when in ("start", "half", "end"):
        finding.figures[f"b5_{when}"] = picture_of(results, runs, f"samples_{when}")
    finding.judge(
        HOLDS if first > half_way > end else ONLY_IF,
        "" if first > half_way > end else "single looks may be worse than the one before",
        n=len(runs),
        needed=1,
        of="runs",
    )
    return finding


def b6(results: Results) -> Finding:
    """From noise to handwriting; the saved generator."""
    runs = longest(results.where(B4))
    finding = Finding(
        "B6",
        "almost identical to handwriting: precision at least 0.95 of what real images get and FID "
        "at most three times theirs. The saved generator: the "
        "weights are read from the run's file and give finite images, the same ones twice",
        evidence=runs,
    )
    if runs.empty:
        return finding.open("a run of B4")
    try:
        reopened = _generates_again(results, runs.run.iloc[0])
    except OSError as error:
        return finding.open(f"the generator's weights ({error})")
    precision, real = float(runs.precision.mean()), float(runs.real_precision.mean())
    fid, floor = float(runs.fid.mean()), float(runs.fid_floor.mean())
    alike = precision >= 0.95 * real and fid <= 3 * floor
    finding.table = table_of(runs, ["steps", "n"], QUALITY)
    finding.figures["b6_progress"] = picture_of(results, runs, "progress")
    finding.reason = (
        f"After {float(runs.trained_epochs.max()):.0f} epochs precision is {precision:.2f} (real "
        f"images {real:.2f}) and the FID {fid:.1f} (real images "
        f"{floor:.2f}). The saved generator was opened and "
        f"{'gives the same images again' if reopened else 'does NOT give the same images again'}."
    )
    if alike and reopened:
        leaning, condition = HOLDS, ""
    elif reopened:
        leaning, condition = (
            ONLY_IF,
            "“almost identical” is dropped: the judge tells the samples from handwriting",
        )
    else:
        leaning, condition = FAILS, ""
    epochs = float(runs.trained_epochs.max())
    if epochs < 190 and not alike:
        said = f"the source's 200 epochs; there are {epochs:.1f}"
        return finding.open(said, leaning, condition)
    finding.judge(leaning, condition, n=len(runs), needed=1, of="runs")
    return finding


def _generates_again(results: Results, run: str) -> bool:
    import torch

    images = []
    for _ in range(2):
        _, config, generator = open_run(results.folder(run).path)
        z = torch.randn(16, config.generator["latent"], generator=torch.Generator().manual_seed(0))
        images.append(generate(generator, z))
    return bool(torch.isfinite(images[0]).all() and torch.equal(*images))


def b13(results: Results) -> Finding:
    """The convolutional pair after equal time."""
    conv = results.where(CONV)
    rivals = pd.concat([results.where(B3).assign(pair="B3"), results.where(B4).assign(pair="B4")])
    finding = Finding(
        "B13",
        "FID of the looks during training against seconds, at the longest time that both had: "
        "holds if the convolutional pair's mean is less than that of "
        "B3 and of B4",
        evidence=conv,
    )
    if conv.empty or rivals.empty:
        return finding.open("a run of the convolutional pair, and one of B3 or B4")
    conv = most_seeds(conv).assign(pair="convolutional")
    both = pd.concat([conv, rivals])
    both = both[both.eval_samples == conv.eval_samples.iloc[0]]
    looks = {
        str(name): [_by_seconds(results, run) for run in group.to_dict("records")]
        for name, group in both.groupby("pair")
    }
    if set(looks) <= {"convolutional"}:
        return finding.open("runs of B3 or B4 that were looked at with as many samples")
    common = min(max(max(x, default=0) for x, _ in paths) for paths in looks.values())
    at = {
        name: [fid for path in paths if (fid := _last_before(path, common)) is not None]
        for name, paths in looks.items()
    }
    means = {name: sum(values) / len(values) for name, values in at.items() if values}
    if "convolutional" not in means or len(means) < 2:
        return finding.open("looks of both pairs within the same time")
    own, best = (
        means["convolutional"],
        min(value for name, value in means.items() if name != "convolutional"),
    )
    finding.table = table_of(both, ["pair", "steps", "n"], QUALITY)
    panel = Panel(
        f"FID of {int(conv.eval_samples.iloc[0]):,} samples (less is better)",
        {name: paths[0] for name, paths in looks.items()},
        log=True,
    )
    finding.figures["b13_time"] = curves(
        "B13: quality against time, the first seed of each",
        "seconds of training, one thread",
        [panel],
    )
    finding.figures["b13_samples"] = picture_of(results, conv, "samples_end")
    finding.reason = (
        f"After {common:.0f} seconds the convolutional pair has an FID of {own:.1f}, "
        + " and ".join(f"{n} {v:.1f}" for n, v in means.items() if n != "convolutional")
        + f". It takes {float(conv.seconds.mean()) / float(conv.steps.mean()) * 1000:.0f} ms a "
        "step on one thread."
    )
    leaning, condition = (
        (HOLDS, "")
        if own < best
        else (ONLY_IF, "there is more time than this, or a machine on which convolutions are cheap")
    )
    finding.judge(leaning, condition, n=len(at["convolutional"]), needed=SEEDS)
    return finding


def _by_seconds(results: Results, run: dict[str, Any]) -> tuple[list[float], list[float]]:
    """FID at each look against the seconds by then, as if all steps took equally long."""
    metrics = results.folder(run["run"]).read_metrics()
    looks = [
        (step * run["seconds"] / run["steps"], fid)
        for step, fid in zip(metrics["step"], metrics["fid"], strict=True)
        if fid == fid
    ]
    return [x for x, _ in looks], [y for _, y in looks]


def _last_before(path: tuple[list[float], list[float]], seconds: float) -> float | None:
    fids = [fid for x, fid in zip(*path, strict=True) if x <= seconds * 1.001]
    return fids[-1] if fids else None
