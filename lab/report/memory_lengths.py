"""A4 and A5: accuracy against length, LSTM and RNN, and the dip at T=3."""

import pandas as pd

from lab.report.evidence import FAILS, HOLDS, ONLY_IF, Finding, Results, table_of
from lab.report.figures import Panel, curves
from lab.report.memory import (
    ACCEPTABLE,
    ACCURACY,
    AS_NUMBER,
    DROP,
    ONE_HOT,
    PERFECT,
    SEEDS,
    SLIGHT,
    SOURCE,
    accuracy_figure,
    mean,
    seeds,
)


def a4(results: Results) -> Finding:
    """LSTM and RNN against length, the digit as a number."""
    runs = results.where(AS_NUMBER, cell=["lstm", "rnn"], seq_len=range(4, 21), epochs=100)
    finding = Finding(
        "A4",
        f"holds if the LSTM leads by more than {DROP} at T=19 and 20 and by at most {SLIGHT} at "
        "T≤10; holds only if … where the lead "
        "begins earlier; does not hold where there is none at T≥19",
        evidence=runs,
    )
    both = _lead(runs)
    if both.empty or both.index.max() < 19:
        return finding.open("runs of both cells at T=19 or 20 with the digit as a number")
    finding.table = table_of(runs, ["cell", "seq_len", "max_steps"], ACCURACY)
    finding.figures["a4_accuracy"] = accuracy_figure(runs)
    late, early = both[both.index >= 19].mean(), both[both.index <= 10].abs().max()
    first = both[both > DROP].index.min()
    if late <= DROP:
        leaning, condition = FAILS, ""
    elif early <= SLIGHT and not first < 18:
        leaning, condition = HOLDS, ""
    else:
        leaning, condition = ONLY_IF, f"one allows the drop to begin earlier: at T={first:.0f}"
    n = len(both)
    finding.reason = (
        f"At T≥19 the LSTM leads by {late:.2f} in accuracy, at T≤10 the two differ by at most "
        f"{early:.2f}; the lead first exceeds "
        f"{DROP} at {'no length tried' if pd.isna(first) else f'T={first:.0f}'}. At T=20 the LSTM "
        f"has {_at(runs, 'lstm', 20):.1%} and the RNN "
        f"{_at(runs, 'rnn', 20):.1%} (the digit as a number, default start)."
    )
    if _cut_short(runs[runs.seq_len >= 19]):
        return finding.open("runs at T≥19 that were not cut by max_steps", leaning, condition)
    finding.judge(leaning, condition, n=n, needed=4, of="lengths")
    return finding


def _lead(runs: pd.DataFrame) -> pd.Series:
    """By length, how much more accurate the LSTM is, where both were trained."""
    if runs.empty:
        return pd.Series(dtype=float)
    means = runs.groupby(["seq_len", "cell"])["accuracy"].mean().unstack()
    return (
        (means["lstm"] - means["rnn"]).dropna()
        if {"lstm", "rnn"} <= set(means)
        else pd.Series(dtype=float)
    )


def _cut_short(runs: pd.DataFrame) -> bool:
    """Whether a cell's runs that have not learnt were all cut by max_steps: they still might."""
    failed = runs[runs.accuracy < PERFECT]
    return any(bool(group.is_cut.all()) for _, group in failed.groupby("cell"))


def _at(runs: pd.DataFrame, cell: str, T: int) -> float:
    return mean(runs[(runs.cell == cell) & (runs.seq_len == T)])


def a5(results: Results) -> Finding:
    """The plot of both cells against length, the LSTM at 25, the dip at 3."""
    runs = results.where(ONE_HOT, cell=["lstm", "rnn"], target_accuracy=0.99, epochs=100)
    dip = results.where(
        {**SOURCE, "input": "number"}, seq_len=3, cell=["lstm", "rnn"], target_accuracy=None
    )
    finding = Finding(
        "A5",
        f"three parts: the RNN at {ACCEPTABLE:.0%} or more to T=10 and below it at T≥15; the LSTM "
        "at 100.0 % at T=25; at T=3 the LSTM below "
        "the RNN and below 100 % with no more data bringing it there. All three: holds; the "
        "third part fails where more updates on the very "
        "same palindromes take the dip away",
        evidence=pd.concat([runs, dip]),
    )
    if runs.empty or not {3, 10, 25} <= set(runs.seq_len) or set(runs.cell) != {"lstm", "rnn"}:
        return finding.open("runs of both cells at T=3, 10 and 25 with the source's settings")
    rnn = runs[runs.cell == "rnn"].groupby("seq_len")["accuracy"].mean()
    first = rnn[rnn.index <= 10].min() >= ACCEPTABLE and rnn[rnn.index >= 15].max() < ACCEPTABLE
    at_25, at_3 = _at(runs, "lstm", 25), (_at(runs, "lstm", 3), _at(runs, "rnn", 3))
    second = at_25 >= PERFECT
    has_dip = at_3[0] < at_3[1] and at_3[0] < 1
    finding.table = table_of(runs, ["cell", "seq_len"], ACCURACY)
    finding.figures["a5_accuracy"] = accuracy_figure(runs)
    below = rnn.index[rnn < ACCEPTABLE]
    finding.reason = (
        f"The RNN keeps {rnn[rnn.index <= 10].min():.1%} or more to T=10 and has {rnn[25]:.1%} at "
        f"T=25; it is first below {ACCEPTABLE:.0%} at "
        f"{f'T={below.min():.0f}' if len(below) else 'no length tried'}. "
        f"The LSTM has {at_25:.2%} at T=25 with torch's default start. At T=3, one-hot, the LSTM "
        f"has {at_3[0]:.1%} and the RNN {at_3[1]:.1%}. "
    )
    cured = _dip(finding, dip)
    parts = {
        "the RNN's fall by T=15": first,
        "the LSTM's 100 % at 25": second,
        "the dip at 3": has_dip or cured["dips"],
    }
    good, bad = ([name for name, fine in parts.items() if fine == side] for side in (True, False))
    if not bad and not cured["cured"]:
        leaning, condition = HOLDS, ""
    elif not good:
        leaning, condition = FAILS, ""
    else:
        reason = (
            "its reason, too little data, does not: more updates on the same 80 palindromes cure it"
            if cured["cured"]
            else ""
        )
        without = f"not {', nor '.join(bad)}" if bad else ""
        leaning, condition = (
            ONLY_IF,
            f"read in parts: {', '.join(good)} holds; "
            + "; ".join(w for w in (without, reason) if w),
        )
    if _cut_short(runs[runs.seq_len == 25]):
        return finding.open("runs at T=25 that were not cut by max_steps", leaning, condition)
    finding.judge(leaning, condition, n=seeds(runs), needed=SEEDS)
    return finding


def _dip(finding: Finding, dip: pd.DataFrame) -> dict[str, bool]:
    """Whether the LSTM dips at T=3 after 100 epochs, and whether more epochs cure it."""
    if dip.empty:
        finding.missing.append("the runs at T=3 with more epochs on the same palindromes")
        return {"dips": False, "cured": False}
    means = dip.groupby(["epochs", "cell"])["accuracy"].mean().unstack()
    few, many = means["lstm"].get(100, float("nan")), means["lstm"].iloc[-1]
    finding.table = pd.concat(
        [finding.table, table_of(dip, ["cell", "seq_len", "input", "epochs"], ACCURACY)]
    )
    points = {cell: (means.index.tolist(), means[cell].tolist()) for cell in means}
    panel = Panel(
        "accuracy on held-out palindromes", points, {"chance, 10%": 0.1}, limits=(-0.02, 1.06)
    )
    finding.figures["a5_dip"] = curves(
        "T=3, the digit as a number: the same 80 palindromes, more updates",
        "epochs (one update each)",
        [panel],
    )
    rnn = means["rnn"].get(100, float("nan")) if "rnn" in means else float("nan")
    finding.reason += (
        f"With the digit as a number the LSTM reaches {few:.0%} (RNN {rnn:.0%}) after 100 epochs "
        f"of one update each, and {many:.0%} after "
        f"{means.index[-1]:,} epochs on the very same palindromes: what is scarce are updates, "
        "not data."
    )
    return {"dips": bool(few < 1 and few < rnn), "cured": bool(few < 1 and many - few > SLIGHT)}
