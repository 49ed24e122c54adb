"""The report's figures. They take rows of the table of runs and return Matplotlib figures.

A claim names a function by `draw` and gives its arguments: `runs`, `where`, and others of its own.
"""

import io
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from matplotlib.figure import Figure

from lab.engine.files import write_atomically
from lab.figures import plots
from lab.memory.config import in_words
from lab.memory.figures import LENGTH, MEASURED_ON
from lab.memory.network import DIGITS

if TYPE_CHECKING:
    from lab.report.claims import Claim
    from lab.report.evidence import Evidence

IMAGES = "images"
PALETTE = 26
# A picture is shown at most so wide, in pixels; two stand side by side.
WIDEST = 760
IN_WORDS = {
    "config.optimizer.lr": "learning rate",
    "config.epochs": "epochs",
    "config.sequence.pairs": "number of pairs",
}
"""What an axis is called on which a key is drawn."""


def series_of(rows: pd.DataFrame) -> pd.Series:
    """The series of each row: its label, and the name of the claim's runs if there are several."""
    label = rows["label"].map(in_words) if "label" in rows else rows["task"]
    if "group" in rows and rows["group"].nunique() > 1:
        return rows["group"] + ": " + label
    return label


def accuracy(rows: pd.DataFrame, x: str = "seq_len", title: str = "") -> Figure:
    """Draw accuracy against a key: the mean of each series, with a band over its seeds."""
    figure, (axis,) = plots.new_figure(title or "Accuracy of the answers")
    ticks = sorted({float(v) for v in rows[x]})
    # No line is drawn across lengths that were not run.
    gap = 1 if x == "seq_len" else math.inf
    curves = [_curve(str(n), some, x, "accuracy") for n, some in rows.groupby(series_of(rows))]
    plots.draw_curves(axis, curves, widest_gap=gap, nested=True)
    plots.accuracy_axis(axis, _chance(rows), name_at_left=True)
    if x.startswith("config.") and ticks[0] > 0 and ticks[-1] > 8 * ticks[0]:
        axis.set_xscale("log")
    plots.measured_ticks(axis, ticks)
    axis.set_xlabel(LENGTH if x == "seq_len" else IN_WORDS.get(x, x.removeprefix("config.")))
    axis.set_ylabel("accuracy")
    axis.set_title(MEASURED_ON, fontsize=9)
    plots.legend_below(figure)
    return figure


def _chance(rows: pd.DataFrame) -> float:
    """The chance accuracy of the rows' sequence; old rows are of palindromes and do not name it."""
    known = rows["chance"].dropna().tolist() if "chance" in rows else []
    return float(known[0]) if known else 1 / DIGITS


def beyond(rows: pd.DataFrame) -> Figure:
    """Draw accuracy against the length tested: a panel for a sequence, a line for a cell."""
    from lab.memory.lengths import accuracy_beyond_training

    prefix = "accuracy_by_length."
    columns = [column for column in rows if str(column).startswith(prefix)]
    runs = [
        {**row, "accuracy_by_length": {
            int(column.removeprefix(prefix)): row[column]
            for column in columns if not math.isnan(row[column])
        }}
        for row in rows.to_dict("records")
    ]  # fmt: skip
    return accuracy_beyond_training(runs)


def _curve(name: str, some: pd.DataFrame, x: str, metric: str) -> plots.Curve:
    """The values of all runs at each x."""
    by_x = some.groupby(x)[metric]
    return plots.Curve(name, [float(at) for at in by_x.groups], [list(v) for _, v in by_x])


def learning_curves(rows: pd.DataFrame) -> Figure:
    """Draw loss and accuracy of training batches (faint) and validation set, for the first seed."""
    first = rows.sort_values("seed").drop_duplicates(["label", "seq_len"])
    names = first["label"].map(in_words) + first["seq_len"].map(", T={:.0f}, validation".format)
    figure, axes = plots.new_figure("Learning curves, the first seed", panels=2)
    panels = (("loss", "cross-entropy (nats)"), ("accuracy", "accuracy"))
    for axis, (metric, label) in zip(axes, panels, strict=True):
        for part in ("train", "val"):
            curves = [
                _curve(name, _long(history, f"{part}_{metric}"), "step", f"{part}_{metric}")
                for name, history in zip(names, first["history"], strict=True)
            ]
            plots.draw_curves(axis, curves, faint=part == "train")
        axis.set_xlabel("optimizer step")
        axis.set_ylabel(label)
    plots.log_axis(axes[0])
    plots.accuracy_axis(axes[1], _chance(rows))
    plots.legend_below(figure)
    return figure


def losses(rows: pd.DataFrame) -> Figure:
    """Draw the losses of both players against the step, for the first seed."""
    from lab.config.components import build
    from lab.generation.figures import level
    from lab.generation.losses import Loss, undecided

    row = rows.sort_values("seed").iloc[0]
    figure, (axis,) = plots.new_figure(f"Losses of D and G, {row['label']}, seed {row['seed']}")
    players = {"D's loss": "d_loss", "G's loss": "g_loss"}
    curves = [
        _curve(name, _long(row["history"], column), "step", column)
        for name, column in players.items()
    ]
    plots.draw_curves(axis, curves)
    loss = build("loss", {"_target_": row["config.loss._target_"]}, base=Loss)
    plots.level_line(axis, undecided(loss), level(undecided(loss)), below=True)
    axis.set_xlabel("optimizer step")
    axis.set_ylabel("loss")
    plots.legend_below(figure)
    return figure


def curves(rows: pd.DataFrame, metric: str, words: str) -> Figure:
    """Draw a metric against the step: the mean of each series, with a band over its seeds."""
    figure, (axis,) = plots.new_figure(f"{words[0].upper()}{words[1:]}, means over seeds")
    kinds = [c for c in ("config.noise", "config.reduction") if c in rows and rows[c].nunique() > 1]
    names = series_of(rows)
    for kind in kinds:
        names = names + ", " + rows[kind].astype(str)
    drawn = []
    for name, some in rows.groupby(names):
        long = pd.concat([_long(history, metric) for history in some["history"]])
        drawn.append(_curve(str(name), long, "step", metric))
    plots.draw_curves(axis, drawn)
    axis.set_xlabel("optimizer step")
    axis.set_ylabel(words)
    plots.legend_below(figure)
    return figure


def _long(history: str, metric: str) -> pd.DataFrame:
    columns = json.loads(history)
    return pd.DataFrame({"step": columns["step"], metric: columns[metric]}).dropna()


def quality(rows: pd.DataFrame) -> Figure:
    """Draw FID and recall of each series: a mark for each seed."""
    from lab.generation.config import in_words as loss_in_words
    from lab.generation.figures import sweep_quality

    some = rows[rows["fid"].notna()]
    some = some.assign(label=some["label"].map(loss_in_words))
    names = series_of(some) + some["steps"].map(", {:,.0f} steps".format)
    return sweep_quality(some.assign(series=names).to_dict("records"))


def counts(rows: pd.DataFrame, entry: str, marked: str) -> Figure:
    """Draw the counts in a nested entry of the results: a bar for each kind, split by outcome."""
    shares: dict[str, dict[str, float]] = {}
    for column in rows:
        if str(column).startswith(f"{entry}."):
            kind, _, outcome = str(column).removeprefix(f"{entry}.").rpartition(".")
            shares.setdefault(kind, {})[outcome] = float(rows[column].sum())
    figure, (axis,) = plots.new_figure(f"What comes out of {entry.rpartition('.')[2]}")
    for index, outcomes in enumerate(shares.values()):
        total, left = sum(outcomes.values()) or 1.0, 0.0
        for outcome in [marked, *sorted(outcomes.keys() - {marked})]:
            share = outcomes.get(outcome, 0.0) / total
            axis.barh(index, share, left=left, height=0.7, edgecolor="white", linewidth=0.8,
                      color=plots.COLOURS[1] if outcome == marked else "#B8C4CE")  # fmt: skip
            if share > 0.035:
                axis.text(left + share / 2, index, outcome, ha="center", va="center", fontsize=9)
            left += share
    axis.set_yticks(range(len(shares)), list(shares))
    axis.invert_yaxis()
    axis.set_xlim(0, 1)
    axis.grid(False)
    axis.set_xlabel("share of sums that the classifier reads as each class")
    figure.subplots_adjust(left=0.24)
    return figure


def picture(rows: pd.DataFrame, evidence: "Evidence", name: str | Sequence[str]) -> list[Path]:
    """The picture files of the first seed's run that has them, in its folder or saved."""
    names = [name] if isinstance(name, str) else list(name)
    for run in rows.sort_values("seed")["run"]:
        folders = [evidence.folders[run].path / "figures"] if run in evidence.folders else []
        if evidence.saved is not None:
            folders.append(evidence.saved / IMAGES / run)
        for folder in folders:
            paths = [path for n in names if (path := folder / f"{n}.png").exists()]
            if paths:
                return paths
    return []


def save_pictures(claims: "Sequence[Claim]", evidence: "Evidence", folder: Path) -> list[Path]:
    """Copy the pictures that claims show into `<folder>/images/RUN`; return their paths."""
    from lab.report.claims import select
    from lab.report.plan import planned

    saved = []
    for claim in claims:
        steps = planned(claim)
        for figure in claim.figures:
            if figure["draw"] != "picture":
                continue
            rows = select(steps[figure["runs"]].found(evidence), figure.get("where"))
            for path in picture(rows, evidence, figure["name"]) if len(rows) else ():
                if path.parent.name == "figures":
                    copy = folder / IMAGES / path.parents[1].name / path.name
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    data = png_of(path)
                    write_atomically(copy, lambda file, data=data: file.write(data))  # type: ignore[misc]
                    saved.append(copy)
    return saved


def png_of(drawn: Any) -> bytes:
    """Return a small PNG of a Matplotlib figure or of a picture file."""
    from PIL import Image

    if isinstance(drawn, Path):
        image = Image.open(drawn).convert("RGB")
    else:
        buffer = io.BytesIO()
        drawn.savefig(buffer, format="png", dpi=min(drawn.dpi, WIDEST / drawn.get_figwidth()))
        image = Image.open(buffer).convert("RGB")
    if image.width > WIDEST:
        size = (WIDEST, round(image.height * WIDEST / image.width))
        image = image.resize(size, Image.Resampling.LANCZOS)
    out = io.BytesIO()
    # With a palette the file is a third as large, and looks the same.
    image.quantize(PALETTE, dither=Image.Dither.NONE).save(out, format="PNG", optimize=True)
    return out.getvalue()


FIGURES = {
    draw.__name__: draw
    for draw in (accuracy, beyond, learning_curves, losses, curves, quality, counts, picture)
}
"""What a claim may name by `draw`."""
