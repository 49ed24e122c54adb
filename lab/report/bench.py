"""The bench of memory, from every run that has its settings: a table to show and to print."""

from functools import cached_property

import pandas as pd

from lab.memory.config import in_words
from lab.report.claims import Runs
from lab.report.evidence import Evidence
from lab.report.plan import Planned

# One cell stands for all: its key and the learning rate are free, so that an own cell counts too.
BENCH = Planned(
    Runs(preset="bench", overrides="cell=torch_lstm_bias_1 seed=0", free=("cell", "optimizer.lr"))
)
COMMAND = "python -m lab -m +experiment=bench"
COLUMNS = {
    "accuracy": "accuracy at T=40",
    "longest_correct": "largest T with 99 %",
    "accuracy_by_length.500": "accuracy at T=500",
    "steps": "steps",
    "seconds": "seconds of training",
}


class Bench:
    """The runs of the bench.

    Args:
        evidence: the table of runs.
    """

    head = ("sequence", "cell", "seeds", *COLUMNS.values())

    def __init__(self, evidence: Evidence) -> None:
        self.rows = BENCH.found(evidence, any_seed=True)
        if len(self.rows):
            self.rows = self.rows.assign(label=named(self.rows))

    @cached_property
    def lines(self) -> list[list[str]]:
        """The medians over the seeds of each sequence and cell, with the smallest and largest."""
        lines = []
        for (sequence, label), some in self.rows.groupby(["sequence", "label"]):
            cells = [_text(key, some[key]) for key in COLUMNS]
            lines.append([sequence.replace("_", " "), label, str(some["seed"].nunique()), *cells])
        return lines


def named(rows: pd.DataFrame) -> "pd.Series[str]":
    """A cell's name in each row, with its learning rate where the rows of a cell have several."""
    names = rows["label"].map(in_words)
    rates = rows["config.optimizer.lr"]
    usual = rates.mode().iloc[0]
    return names.where(rates == usual, names + ", rate " + rates.map("{:g}".format))


def _text(key: str, values: "pd.Series[float]") -> str:
    if key.startswith("accuracy"):
        text = f"{values.median():.1%} ({values.min():.1%} to {values.max():.1%})"
        return (text if len(values) > 1 else f"{values.median():.1%}").replace("%", " %")
    return f"{values.median():,.0f}"
