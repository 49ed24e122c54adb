"""The report's table of the bench: every sequence and cell."""

import html

import pandas as pd

from lab.report.claims import Runs
from lab.report.selection import Planned

BENCH = Planned(Runs(preset="bench"))
COLUMNS = {
    "runs": "runs",
    "accuracy": "accuracy at T=40",
    "longest_correct": "largest T with 99 %",
    "accuracy_by_length.500": "accuracy at T=500",
    "steps": "steps",
    "seconds": "seconds",
}


def bench_table(rows: pd.DataFrame) -> str:
    """Return an HTML table of the medians over the seeds, for each sequence and cell."""
    head = "".join(f"<th>{words}</th>" for words in ("sequence", "cell", *COLUMNS.values()))
    lines = []
    for (sequence, label), some in rows.groupby(["sequence", "label"]):
        medians = {key: float(some[key].median()) for key in COLUMNS if key != "runs"}
        cells = [sequence.replace("_", " "), label, str(len(some))]
        cells += [_text(key, medians[key], some[key]) for key in medians]
        lines.append("<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in cells) + "</tr>")
    return (f'<div class="table"><table><thead><tr>{head}</tr></thead>'
            f"<tbody>{''.join(lines)}</tbody></table></div>")  # fmt: skip


def _text(key: str, median: float, values: "pd.Series[float]") -> str:
    if key.startswith("accuracy"):
        return f"{median:.1%} ({values.min():.1%} to {values.max():.1%})".replace("%", " %")
    return f"{median:,.0f}"
