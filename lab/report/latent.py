"""B7-B9: walks between classes and sums of samples."""

from math import erfc, sqrt
from typing import Any

import pandas as pd

from lab.report.evidence import FAILS, HOLDS, ONLY_IF, Finding, Results, spread, table_of
from lab.report.figures import stacked_counts
from lab.report.generation import B3, B4, OURS, SEEDS, longest

SUM = "sum_7-1+6"
WIDER = 1.1
SIGNIFICANT = 0.01
# A walk's largest step takes at most this share of its way; one of eight even ones takes 0.125.
SMOOTH = 0.35


def picture_of(results: Results, runs: pd.DataFrame, name: str) -> Any:
    """A picture of the first of the runs."""
    return results.folder(runs.run.iloc[0]).path / "figures" / f"{name}.png"


def _walked(results: Results) -> pd.DataFrame:
    """Runs with walks: ours and the sources' nets, those trained the longest of each."""
    groups = [
        longest(results.where(setting)).assign(nets=name)
        for name, setting in (("ours", OURS), ("B3", B3), ("B4", B4))
    ]
    runs = (
        pd.concat([group for group in groups if len(group)])
        if any(len(g) for g in groups)
        else pd.DataFrame()
    )
    return runs[runs.path_length_linear.notna()] if "path_length_linear" in runs else runs.iloc[:0]


def b7(results: Results) -> Finding:
    """Straight walks between two classes."""
    runs = _walked(results)
    finding = Finding(
        "B7",
        f"smooth: the largest of the 8 steps takes at most {SMOOTH:.0%} of the way in the judge's "
        "features (even steps take 12.5 %). A third class lies between: on more "
        "than half of the walks. Both: holds",
        evidence=runs,
    )
    if runs.empty:
        return finding.open("a finished run of the generation study")
    third = float(runs.third_class_linear.mean())
    step = float(runs.largest_step_linear.mean()) if "largest_step_linear" in runs else float("nan")
    smooth = step <= SMOOTH
    columns = {
        "a third class between": ("third_class_linear", ".2f"),
        "the same, slerp": ("third_class_spherical", ".2f"),
        "largest step": ("largest_step_linear", ".2f"),
    }
    finding.table = table_of(runs, ["nets", "steps"], columns)
    finding.figures["b7_walks"] = picture_of(results, runs, "interpolation")
    finding.reason = (
        f"On {third:.0%} of 200 walks the judge meets a class that is neither end's, and the "
        f"largest of 8 steps takes {step:.0%} of the way in its features. "
        "Eight even steps would take 12.5 % each."
    )
    if step != step:
        return finding.open(
            "runs whose result.json has largest_step_linear (made by this version: fresh=true)"
        )
    if smooth and third > 0.5:
        leaning, condition = HOLDS, ""
    elif smooth or third > 0.5:
        leaning, condition = (
            ONLY_IF,
            ("a third class need not lie between" if smooth else "“smooth” allows for a jump"),
        )
    else:
        leaning, condition = FAILS, ""
    finding.judge(leaning, condition, n=len(runs), needed=SEEDS, of="runs")
    return finding


def b8(results: Results) -> Finding:
    """The same with z2 twice as far out."""
    runs = _walked(results)
    finding = Finding(
        "B8",
        "the way in the judge's features to 2 z2 over that to z2, run by run: holds if it is at "
        f"least {WIDER} in the mean, holds only if … if it is above 1 in every run",
        evidence=runs,
    )
    if runs.empty:
        return finding.open("a finished run of the generation study")
    runs = runs.assign(ratio=runs.path_length_farther / runs.path_length_linear)
    ratio = float(runs.ratio.mean())
    if ratio >= WIDER:
        leaning, condition = HOLDS, ""
    elif bool((runs.ratio > 1).all()):
        leaning, condition = ONLY_IF, f"a way longer by {ratio - 1:.0%} counts as noticeable"
    else:
        leaning, condition = FAILS, ""
    finding.table = table_of(
        runs,
        ["nets", "steps"],
        {
            "way to z2": ("path_length_linear", ".1f"),
            "way to 2 z2": ("path_length_farther", ".1f"),
            "ratio": ("ratio", ".3f"),
            "third class, to z2": ("third_class_linear", ".2f"),
            "to 2 z2": ("third_class_farther", ".2f"),
        },
    )
    finding.reason = (
        f"The way to 2 z2 is {spread(runs.ratio, '.2f')} times as long as that to z2, over 200 "
        "walks in each run, while its end lies twice as far from the origin."
    )
    finding.judge(leaning, condition, n=len(runs), needed=SEEDS, of="runs")
    return finding


def p_value(hits: int, n: int, null_hits: int, null_n: int) -> float:
    """Of two shares being equal, two-sided, by the normal approximation."""
    pooled = (hits + null_hits) / (n + null_n)
    error = sqrt(pooled * (1 - pooled) * (1 / n + 1 / null_n))
    if error == 0:
        return 1.0
    return erfc(abs(hits / n - null_hits / null_n) / error / sqrt(2))


NAMES = {
    "single": "z6 + (z7 - z1), single samples",
    "null_single": "null: a random direction",
    "means": "z6 + mean difference",
    "null_means": "null of the means",
    "on_row": "0.2 z6 + 0.8 z_hybrid",
    "as_written": "z6 + 0.8 z_hybrid",
}


def b9(results: Results) -> Finding:
    """7 - 1 + 6."""
    runs = _walked(results)
    counted = []
    for run in runs.to_dict("records"):
        sums = (results.folder(run["run"]).result or {}).get(SUM)
        if isinstance(sums, dict):
            counted.append((run, sums))
    finding = Finding(
        "B9",
        "holds if 9 is the commonest outcome of 0.2 z6 + 0.8 z_hybrid and commoner than in the "
        f"null (p < {SIGNIFICANT}); holds only if … where it is commoner than "
        "in the null without being the commonest",
        evidence=pd.DataFrame([run for run, _ in counted]),
    )
    if not counted:
        return finding.open("a run whose generator makes a clear 7, 1 and 6")
    total: dict[str, dict[str, int]] = {name: {} for name in NAMES}
    rows = []
    for run, sums in counted:
        for name, total_of in total.items():
            for label, count in sums[name].items():
                total_of[label] = total_of.get(label, 0) + count
        rows.append(
            {
                "nets": run["nets"],
                "seed": run["seed"],
                "steps": run["steps"],
                **{
                    NAMES[n]: f"{sums[n].get('9', 0) / sum(sums[n].values()):.0%} are 9"
                    for n in NAMES
                },
            }
        )
    finding.table = pd.DataFrame(rows)
    n = sum(total["on_row"].values())
    hits, null = total["on_row"].get("9", 0), total["null_single"].get("9", 0)
    p = p_value(hits, n, null, sum(total["null_single"].values()))
    shares = {
        NAMES[name]: {label: count / sum(counts.values()) for label, count in counts.items()}
        for name, counts in total.items()
    }
    commonest = max(total["on_row"], key=lambda label: total["on_row"][label])
    more = hits > null and p < SIGNIFICANT
    if more and commonest == "9":
        leaning, condition = HOLDS, ""
    elif more:
        leaning, condition = (
            ONLY_IF,
            f"“gives” means “makes likelier”: {commonest}, not 9, is the commonest outcome",
        )
    else:
        leaning, condition = FAILS, ""
    finding.figures["b9_counts"] = stacked_counts(shares, f"7 - 1 + 6, {n:,} draws in all", "9")
    finding.figures["b9_rows"] = (
        results.folder(counted[0][0]["run"]).path / "figures" / "arithmetic.png"
    )
    finding.reason = (
        f"Of {n:,} draws 0.2 z6 + 0.8 z_hybrid is a 9 in {hits / n:.1%}, a random step of the "
        f"same length gives one in {null / n:.1%} (p = {p:.2g}); the commonest "
        f"outcome is {commonest} with {total['on_row'][commonest] / n:.0%}. As the algebra is "
        "written, z6 + 0.8 z_hybrid gives a 9 in "
        f"{total['as_written'].get('9', 0) / n:.1%}."
    )
    roofs = [sums["roof"] for _, sums in counted if "roof" in sums]
    if roofs:
        sevens = sum(roof.get("7", 0) for roof in roofs) / sum(sum(roof.values()) for roof in roofs)
        finding.reason += f" z7 - z1 by itself is a 7 in {sevens:.0%} of draws."
    finding.judge(leaning, condition, n=len(counted), needed=SEEDS, of="runs")
    return finding
