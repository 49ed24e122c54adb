"""Compute the verdict on a claim from its runs, with a number and an interval for each part."""

import importlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from lab.config.errors import UserError
from lab.config.wording import did_you_mean
from lab.report.claims import Claim, Group, Part
from lab.report.evidence import Evidence
from lab.report.selection import planned

Verdict = Literal["holds", "holds in part", "does not hold", "not settled"]
CONFIDENCE = 0.95
LIKENESS = 0.7
"""Of a name to the one that is meant; a metric that no run has yet is like none."""


@dataclass(frozen=True)
class Measured:
    """A part with its number.

    Args:
        part: the part of the claim.
        values: the values, one for each seed.
        where: the value of `part.each` with the worst number; empty if there is no `each`.
        unknown: the line for a metric that no run of the whole evidence has; else empty.
    """

    part: Part
    values: tuple[float, ...]
    where: str = ""
    unknown: str = ""

    @property
    def n(self) -> int:
        return len(self.values)

    @property
    def mean(self) -> float:
        return sum(self.values) / self.n if self.n else math.nan

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the mean by Student's t; None for fewer than two values."""
        from scipy import stats

        if self.n < 2:
            return None
        spread = float(stats.sem(self.values))
        if spread == 0:
            return self.mean, self.mean
        low, high = stats.t.interval(CONFIDENCE, self.n - 1, loc=self.mean, scale=spread)
        return float(low), float(high)

    @property
    def passes(self) -> bool:
        if self.part.by == "interval":
            ends = self.interval
            return ends is not None and all(self.part.is_within(end) for end in ends)
        return self.part.is_within(self.mean)


@dataclass(frozen=True)
class Finding:
    """The result of testing a claim.

    Args:
        claim: the claim.
        verdict: the verdict, computed from the parts.
        parts: the parts with their numbers, in the order of the claim.
        runs: the rows of the table that were used, by the names in the claim's `runs`.
        missing: what a verdict still needs, one line for each command.
        quick: whether the runs are of the quick plan, which settles no claim.
    """

    claim: Claim
    verdict: Verdict
    parts: tuple[Measured, ...]
    runs: Mapping[str, pd.DataFrame]
    missing: tuple[str, ...] = ()
    quick: bool = False

    def sentence(self, text: str) -> str:
        """A sentence of the claim with the numbers of its parts; empty if a number is missing."""
        named = [int(number) - 1 for number in re.findall(r"\{(\d+)", text)]
        if not text or any(not self.parts[number].n for number in named):
            return ""
        return text.format("", *(part.mean for part in self.parts))


def finding_of(claim: Claim, evidence: Evidence) -> Finding:
    """Test a claim with the runs of the full plan, or, if there are none, of the quick plan.

    Raises:
        UserError: a query, a metric or a function of the claim cannot be used.
    """
    full = planned(claim)
    found = {name: step.found(evidence) for name, step in full.items()}
    quick = bool(full) and all(rows.empty for rows in found.values())
    if quick:
        small = planned(claim, quick=True)
        found = {name: step.found(evidence) for name, step in small.items()}
    quick = quick and any(len(rows) for rows in found.values())
    parts = tuple(_measure(claim, part, found, evidence.table) for part in claim.parts)
    missing = [
        f"{missing} of {len(step.configs)} runs of {step.command}"
        for step in full.values()
        if (missing := step.missing(evidence))
    ]
    few = [m for m in parts if not m.part.function and m.n < claim.least_seeds]
    if few or quick:
        return Finding(claim, "not settled", parts, found, tuple(missing), quick)
    return Finding(claim, _verdict(parts), parts, found, tuple(missing))


def _verdict(parts: Sequence[Measured]) -> Verdict:
    passed = [part.passes for part in parts]
    if all(passed):
        return "holds"
    return "holds in part" if any(passed) else "does not hold"


def _measure(
    claim: Claim, part: Part, found: Mapping[str, pd.DataFrame], table: pd.DataFrame
) -> Measured:
    try:
        if part.function is not None:
            module, _, name = part.function.rpartition(".")
            values = getattr(importlib.import_module(module), name)()
            return Measured(part, tuple(float(value) for value in values))
        assert part.metric is not None
        assert part.of is not None
        of = _values(part.metric, part.of, found[part.of.runs], part.each)
        minus = (
            None
            if part.minus is None
            else _values(part.metric, part.minus, found[part.minus.runs], part.each)
        )
    except UserError:
        raise
    except Exception as error:  # pandas raises many kinds for a wrong query
        line = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        if isinstance(error, NameError | KeyError):
            line = _no_run_has(error, table)
        raise UserError(f"claim {claim.id}, part '{part.says}': {line}") from error
    cases = []
    for where, values in of.items():
        if minus is not None:
            other = minus.get(where, {})
            values = {seed: v - other[seed] for seed, v in values.items() if seed in other}
        if values:
            named = "" if part.each is None else f"{part.each.rpartition('.')[2]}={where}"
            cases.append(Measured(part, tuple(values.values()), named))
    if not cases:
        return Measured(part, (), unknown=_unknown(part.metric, table))
    return min(cases, key=lambda case: part.margin(case.mean))


def _unknown(metric: str, table: pd.DataFrame) -> str:
    """The line for a metric that no run has, so that it is known before the claim's runs exist."""
    try:
        if len(table):
            _column(table.iloc[:0], metric)
    except NameError as error:
        return _no_run_has(error, table)
    return ""


def _no_run_has(error: NameError | KeyError, table: pd.DataFrame) -> str:
    """The line for a name that is no column, which may be of runs that are still to be made."""
    named = re.search(r"'(.+?)'", str(error))
    name = named[1] if named else str(error)
    return f"no run has {name}{did_you_mean(name, map(str, table.columns), LIKENESS)}"


def _values(
    metric: str, group: Group, runs: pd.DataFrame, each: str | None
) -> dict[str, dict[int, float]]:
    """The metric by seed, for each value of `each`; its mean if a seed has several runs."""
    if runs.empty:
        return {}
    rows = runs if group.where is None else runs.query(group.where, engine="python")
    if rows.empty:
        return {}
    rows = rows.assign(_value=_column(rows, metric))
    rows = rows[rows["_value"].notna()]
    if group.best_of is not None and len(rows):
        means = rows.groupby(group.best_of)["_value"].mean()
        rows = rows[rows[group.best_of] == means.idxmax()]
    if each is None:
        return {"": _by_seed(rows)} if len(rows) else {}
    return {f"{value:g}" if isinstance(value, float | int) else str(value): _by_seed(some)
            for value, some in rows.groupby(each)}  # fmt: skip


def _by_seed(rows: pd.DataFrame) -> dict[int, float]:
    means = rows.groupby("seed")["_value"].mean()
    return {int(seed): float(value) for seed, value in means.items()}


def _column(rows: pd.DataFrame, metric: str) -> pd.Series:
    """A column or an expression of columns; `NAME@STEP` is the value logged nearest to a step."""
    for name, step in set(re.findall(r"(\w+)@(\d+)", metric)):
        values = [at_step(history, name, int(step)) for history in rows["history"]]
        rows = rows.assign(**{f"{name}_at_{step}": values})
        metric = metric.replace(f"{name}@{step}", f"{name}_at_{step}")
    values = rows[metric] if metric in rows else rows.eval(metric, engine="python")
    return pd.to_numeric(values)


def at_step(history: str, name: str, step: int) -> float:
    """The value of a history's column that was logged nearest to a step."""
    columns = json.loads(history)
    pairs = zip(columns["step"], columns[name], strict=True)
    return min((abs(s - step), value) for s, value in pairs if value is not None)[1]
