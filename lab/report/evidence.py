"""The finished runs below an outputs folder as one table, and how findings are drawn from it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from lab.config.base import flatten
from lab.config.errors import UserError
from lab.config.reading import from_file
from lab.engine.run_folder import RunFolder, scalars


def describe_run(folder: RunFolder) -> dict[str, Any] | None:
    """A finished run as a row: its config flattened, over that the numbers of its result.

    The config's `epochs`, the budget, stays what it is; those trained are `trained_epochs`. Its
    `precision`, fp32 or bf16, becomes `arithmetic`; that of the samples keeps the name. None if the
    run is not finished.

    Raises:
        UserError: its config is of a version of the code that had other keys.
    """
    result = folder.result
    if result is None:
        return None
    config = from_file(folder.config_file)
    row = flatten(config.to_dict())
    if "precision" in row:
        row["arithmetic"] = row.pop("precision")
    numbers = scalars(result)
    if "epochs" in numbers:
        numbers["trained_epochs"] = numbers.pop("epochs")
    numbers.pop("data", None)  # the config's data.name
    row |= numbers
    row["run"] = str(folder.path)
    row["cell"] = result.get("cell")
    row["is_cut"] = config.max_steps is not None and result["steps"] >= config.max_steps
    if "val_accuracy" in row:
        test = row.get("test_accuracy")
        row["accuracy"] = row["val_accuracy"] if test is None else test
    return row


class Results:
    """All finished runs below an outputs folder.

    Args:
        out_dir: with `runs/` in it; need not exist.

    Attributes:
        runs: a row for each run, the columns as `describe_run` names them.
        unreadable: a line for each run of another version of the code.
        unfinished: folders of runs that were begun and have no result yet.
    """

    def __init__(self, out_dir: Path) -> None:
        self.out_dir = out_dir
        rows, self.unreadable, self.unfinished = [], [], []
        for path in sorted(Path(out_dir, "runs").glob("*/config.yaml")):
            folder = RunFolder(path.parent)
            try:
                row = describe_run(folder)
            except UserError as error:
                self.unreadable.append(f"{path.parent.name}: {error}")
                continue
            if row is None:
                self.unfinished.append(path.parent)
            else:
                rows.append(row)
        self.runs = pd.DataFrame(rows)

    def where(self, *settings: Mapping[str, Any], **more: Any) -> pd.DataFrame:
        """The runs whose values are these; a list or a range stands for any of its values.

        A column that no run has fits nothing but None.
        """
        wanted: dict[str, Any] = {}
        for setting in (*settings, more):
            wanted |= setting
        runs = self.runs
        for key, value in wanted.items():
            if runs.empty:
                break
            if key not in runs:
                runs = runs if value is None else runs.iloc[:0]
            elif isinstance(value, list | range):
                # A list may itself be the value, as the widths of a network are.
                runs = runs[[one == value or _is_in(one, value) for one in runs[key]]]
            elif value is None:
                runs = runs[runs[key].isna()]
            else:
                runs = runs[
                    [
                        (type(one) is type(value) and one == value) or _same(one, value)
                        for one in runs[key]
                    ]
                ]
        return runs

    def folder(self, run: str) -> RunFolder:
        """The folder of a row's `run`."""
        return RunFolder(Path(run))


def _is_in(one: Any, values: list[Any] | range) -> bool:
    return not isinstance(one, list) and any(_same(one, value) for value in values)


def _same(one: Any, value: Any) -> bool:
    if isinstance(one, list) or isinstance(value, list):
        return bool(one == value)
    if isinstance(value, float | int) and not isinstance(value, bool):
        return isinstance(one, float | int) and abs(one - value) <= 1e-9 * max(1.0, abs(value))
    return bool(one == value)


HOLDS, ONLY_IF, FAILS, OPEN = "holds", "holds only if", "does not hold", "not settled"


@dataclass
class Finding:
    """What the runs say of one claim.

    Args:
        id: A1 … B13.
        verdict: holds, holds only if, does not hold, not settled.
        condition: completes "holds only if"; empty otherwise.
        leaning: the verdict that too few runs point to, where it is not settled.
        reason: two or three sentences with the numbers.
        rule: by which the verdict was computed.
        table: the numbers, n and the spread over seeds; empty if there are none.
        figures: by file name; a matplotlib figure, or the path of a run's own picture.
        evidence: the runs it rests on.
        missing: what more is needed, a line each.
    """

    id: str
    rule: str
    verdict: str = OPEN
    condition: str = ""
    leaning: str = ""
    reason: str = ""
    table: pd.DataFrame = field(default_factory=pd.DataFrame)
    figures: dict[str, Any] = field(default_factory=dict)
    evidence: pd.DataFrame = field(default_factory=pd.DataFrame)
    missing: list[str] = field(default_factory=list)

    @property
    def phrase(self) -> str:
        """The verdict with its condition, or what it leans to."""
        leaning = f"(so far: {self.leaning})" if self.leaning else ""
        return " ".join(filter(None, (self.verdict, self.condition, leaning)))

    def judge(
        self, leaning: str, condition: str = "", *, n: int, needed: int, of: str = "seeds"
    ) -> None:
        """Take this verdict, or leave it open where there are fewer than needed.

        Args:
            leaning: the verdict that the numbers point to.
            n, needed: there are and there should be, of what `of` says.
        """
        if n >= needed:
            self.verdict, self.condition = leaning, condition
            return
        self.open(f"{n} of the {needed} {of} that a verdict needs", leaning, condition)

    def open(self, missing: str, leaning: str = "", condition: str = "") -> "Finding":
        """Leave the verdict open for want of runs.

        Args:
            missing: what there should be.
            leaning, condition: the verdict that the numbers point to, if they do.
        """
        self.verdict, self.condition = OPEN, ""
        self.leaning = f"{leaning} {condition}".strip()
        self.missing.append(missing)
        return self

    @property
    def extent(self) -> str:
        """On how many runs and seeds it rests, and how long they were trained."""
        runs = self.evidence
        if runs.empty:
            return "no run yet"
        steps = sorted(runs["steps"])
        span = f"{steps[0]:,}" if steps[0] == steps[-1] else f"{steps[0]:,} to {steps[-1]:,}"
        words = f"{len(runs)} runs, {runs['seed'].nunique()} seeds, {span} steps"
        cut = int(runs["is_cut"].sum())
        if cut:
            words += f"; {cut} of them stopped by max_steps before the preset's epochs were over"
        return words.replace("1 runs", "1 run").replace(" 1 seeds", " 1 seed")


def spread(values: Iterable[float], form: str = ".3f") -> str:
    """Mean, and min to max where there are several: `0.981 [0.962, 0.990]`."""
    numbers = [float(v) for v in values if v is not None and v == v]
    if not numbers:
        return "–"
    mean = sum(numbers) / len(numbers)
    if len(numbers) == 1:
        return f"{mean:{form}}"
    return f"{mean:{form}} [{min(numbers):{form}}, {max(numbers):{form}}]"


def table_of(
    runs: pd.DataFrame, by: Sequence[str], columns: Mapping[str, tuple[str, str]]
) -> pd.DataFrame:
    """A row for each group: how many runs, and mean [min, max] of each column.

    Args:
        by: columns that make the groups; lists in them are compared as text.
        columns: heading: (column, format).
    """
    if runs.empty:
        return pd.DataFrame()
    rows = []
    keys = runs[list(by)].map(lambda value: str(value) if isinstance(value, list) else value)
    for values, group in runs.groupby([keys[name] for name in by], dropna=False, sort=True):
        row: dict[str, Any] = dict(zip(by, values, strict=True))
        row["runs"] = len(group)
        for heading, (column, form) in columns.items():
            row[heading] = spread(group[column], form) if column in group else "–"
        rows.append(row)
    return pd.DataFrame(rows)
