"""B3 and B4: the discriminator that is too strong, and the balanced one."""

import pandas as pd

from lab.report.evidence import FAILS, HOLDS, ONLY_IF, Finding, Results, table_of
from lab.report.figures import scatter
from lab.report.generation import (
    B3,
    B4,
    LOG_2,
    NEAR_LOG_2,
    NEAR_ZERO,
    NON_SATURATING,
    QUALITY,
    SEEDS,
    common_steps,
    longest,
    loss_figure,
    quality_figure,
    same_n,
    with_losses,
)

# Of held-out pairs that D ranks rightly; a coin has 0.5.
GUESSING = 0.6


def b3(results: Results) -> Finding:
    """The discriminator that becomes too strong."""
    runs = with_losses(results, results.where(B3))
    finding = Finding(
        "B3",
        f"needs 50 epochs: D's loss in the last tenth below {NEAR_ZERO}, G's above that of the "
        "first tenth, and FID above ten times that of real images. "
        "All three: holds; the images or the losses alone: holds only if …",
        evidence=runs,
    )
    if runs.empty:
        return finding.open("a run of these nets")
    finding.table = table_of(
        runs,
        ["steps", "n"],
        {
            "D loss, last tenth": ("d_loss_last", ".3f"),
            "G loss, last tenth": ("g_loss_last", ".2f"),
            **QUALITY,
        },
    )
    last = longest(runs)
    d, g_first, g_last = (
        float(last[c].mean()) for c in ("d_loss_last", "g_loss_first", "g_loss_last")
    )
    fid, floor = float(last.fid.mean()), float(last.fid_floor.mean())
    zero, rises, bad = d < NEAR_ZERO, g_last > g_first, fid > 10 * floor
    if zero and rises and bad:
        leaning, condition = HOLDS, ""
    elif rises and bad:
        leaning, condition = ONLY_IF, f"“near zero” means {d:.2f}: D wins, but does not crush G"
    else:
        leaning, condition = FAILS, ""
    finding.reason = (
        f"After {int(last.steps.iloc[0]):,} steps D's loss is {d:.2f} (a coin: 0.69) and G's has "
        f"gone from {g_first:.2f} to {g_last:.2f}; D is right on "
        f"{float(last.d_right_last.mean()):.0%} of its training batches and ranks "
        f"{float(last.d_auc.mean()):.0%} of held-out pairs rightly. "
        f"The FID is {fid:.1f}, that of real images {floor:.2f}."
    )
    finding.figures["b3_losses"] = loss_figure(
        results, {"B3": last.run.iloc[0]}, "B3: the recommended discriminator"
    )
    finding.figures["b3_samples"] = (
        results.folder(last.run.iloc[0]).path / "figures" / "samples_end.png"
    )
    epochs = float(last.trained_epochs.max())
    if epochs < 50:
        said = f"50 epochs, which the claim is about; there are {epochs:.1f}"
        return finding.open(said, leaning, condition)
    finding.judge(leaning, condition, n=len(last), needed=1)
    return finding


def b4(results: Results) -> Finding:
    """The balanced discriminator against B3, and whether losses at log 2 mean realistic images."""
    runs, rival = with_losses(results, results.where(B4)), with_losses(results, results.where(B3))
    finding = Finding(
        "B4",
        f"losses: both within {NEAR_LOG_2} of log 2 in the last tenth. Better: FID and recall "
        "both better than B3's in the mean at every number of steps that both "
        "were trained for. Log 2 means realistic: among all runs with these losses the rank "
        "correlation of the distance to log 2 with the FID is above "
        "0.5. All: holds; some: holds only if …; none: does not hold",
        evidence=pd.concat([runs, rival]),
    )
    steps = common_steps(runs, rival)
    if not steps:
        return finding.open("runs of B3 and of B4 with equal steps")
    last = longest(runs)
    d, g = float(last.d_loss_last.mean()), float(last.g_loss_last.mean())
    near = abs(d - LOG_2) < NEAR_LOG_2 and abs(g - LOG_2) < NEAR_LOG_2
    both = pd.concat([runs.assign(D="balanced (B4)"), rival.assign(D="recommended (B3)")])
    both = both[both.steps.isin(steps)]
    means = both.groupby(["steps", "D"])[["fid", "recall"]].mean().unstack()
    wins = (means["fid"].iloc[:, 0] < means["fid"].iloc[:, 1]) & (
        means["recall"].iloc[:, 0] > means["recall"].iloc[:, 1]
    )
    better = bool(wins.all())
    settled_at = [
        s for s in steps if both[both.steps == s].groupby("D").seed.nunique().min() >= SEEDS
    ]
    rho, count = _log_2_and_fid(finding, results)
    means_real = rho > 0.5
    parts = {
        "the losses' place near log 2": near,
        "better than B3": better,
        "log 2 as a sign of realistic images": means_real,
    }
    good, bad = ([name for name, fine in parts.items() if fine == side] for side in (True, False))
    if not bad:
        leaning, condition = HOLDS, ""
    elif good:
        leaning, condition = (
            ONLY_IF,
            f"read in parts: {', '.join(good)} holds, not {', nor '.join(bad)}",
        )
    else:
        leaning, condition = FAILS, ""
    compared = "; ".join(
        f"at {s:,} steps FID {means['fid'].loc[s].iloc[0]:.1f} against "
        f"{means['fid'].loc[s].iloc[1]:.1f}, recall "
        f"{means['recall'].loc[s].iloc[0]:.2f} against {means['recall'].loc[s].iloc[1]:.2f}"
        for s in steps
    )
    auc = float(last.d_auc.mean())
    finding.reason = (
        f"In the last tenth D's loss is {d:.2f} and G's {g:.2f}. Balanced against recommended: "
        f"{compared}. The balanced D ranks {auc:.0%} of held-out pairs rightly, so it "
        f"{'is not guessing' if auc > GUESSING else 'does little better than guessing'}. Over "
        f"{count} runs the distance of both losses to log 2 goes with the FID at a rank "
        f"correlation of {rho:.2f}"
        + ("." if means_real else ": log 2 says how weak D is, not how good the images are.")
    )
    finding.table = table_of(
        both,
        ["steps", "D", "n"],
        {"D loss": ("d_loss_last", ".3f"), "G loss": ("g_loss_last", ".2f"), **QUALITY},
    )
    shown = {
        name: group.sort_values(["steps", "seed"], ascending=[False, True]).run.iloc[0]
        for name, group in both.groupby("D")
    }
    finding.figures = {
        "b4_quality": quality_figure(both, both.D),
        "b4_losses": loss_figure(results, shown, "B3 and B4, one run each"),
        **finding.figures,
    }
    if float(runs.trained_epochs.max()) < 190:
        finding.missing.append("the source's 200 epochs; this is on fewer steps")
    if settled_at:
        finding.judge(leaning, condition, n=SEEDS, needed=SEEDS)
    else:
        n = int(both.groupby(["steps", "D"]).seed.nunique().max())
        finding.judge(leaning, condition, n=n, needed=SEEDS, of="seeds at equal steps")
    return finding


def _log_2_and_fid(finding: Finding, results: Results) -> tuple[float, int]:
    """The rank correlation of the losses' distance to log 2 with the FID, over all such runs."""
    setting = {"task": "gan", "loss._target_": NON_SATURATING["loss._target_"]}
    runs = same_n(with_losses(results, results.where(setting)))
    distance = (runs.d_loss_last - LOG_2).abs() + (runs.g_loss_last - LOG_2).abs()
    runs = runs.assign(distance=distance)
    if len(runs) > 3:
        names = runs["discriminator.dropout"].map(
            lambda p: f"D with dropout {p:g}" if p else "D without dropout"
        )
        groups = {
            str(name): (group.distance.tolist(), group.fid.tolist())
            for name, group in runs.groupby(names)
        }
        finding.figures["b4_log_2"] = scatter(
            "Do losses at log 2 mean good images? A mark for each run",
            "|D loss - log 2| + |G loss - log 2|, last tenth of the steps",
            "FID (less is better)",
            groups,
            log_y=True,
        )
    rho = runs.distance.rank().corr(runs.fid.rank()) if len(runs) > 2 else float("nan")
    return float(rho), len(runs)
