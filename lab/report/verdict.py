"""Compute the verdict on a claim from its runs, with a number and an interval for each part.

The interval decides. A part holds if its whole 95 % interval lies within the bound, fails if the
whole interval lies outside, and is undecided else.
"""

import importlib
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import pandas as pd

from lab.config.errors import UserError
from lab.config.wording import did_you_mean
from lab.report import intervals
from lab.report.claims import AT_STEP, LEAST_SEEDS, Claim, Group, Part, names_in, select
from lab.report.evidence import Evidence
from lab.report.plan import Planned, planned

State = Literal["holds", "fails", "undecided"]
Verdict = Literal["holds", "holds in part", "does not hold", "undecided"]
LIKENESS = 0.7
"""Of a name to the one that is meant."""


@dataclass(frozen=True)
class Case:
    """One value of `part.each`, or all of a part without it.

    Args:
        part: the part of the claim.
        values: the values, one for each seed.
        where: the value of `part.each` in words; empty if there is no `each`.
        examples: the number of examples of which each value is a share; None if it is no share.
        noise: the variance that the test examples alone give the mean of a difference of shares.
        planned: how many seeds the claim's commands have.
    """

    part: Part
    values: tuple[float, ...]
    where: str = ""
    examples: float | None = None
    noise: float = 0.0
    planned: int = 0

    @property
    def n(self) -> int:
        return len(self.values)

    @property
    def mean(self) -> float:
        return sum(self.values) / self.n if self.n else math.nan

    def interval(self, confidence: float = intervals.CONFIDENCE) -> tuple[float, float] | None:
        """The interval of the mean; None for fewer than three seeds or for one object."""
        if self.n < LEAST_SEEDS or self.part.one_run:
            return None
        if self.examples == 1 and self.part.minus is None:
            return intervals.of_count(round(sum(self.values)), self.n, confidence)
        if self.examples is not None and self.part.minus is None:
            low, high = intervals.of_share(self.values, self.examples, confidence)
        else:
            low, high = intervals.of_mean(
                self.values, *self.part.range, confidence=confidence, noise=self.noise
            )
        return float(low), float(high)

    def state(self, confidence: float = intervals.CONFIDENCE) -> State:
        """Where the interval lies; of one object, where its number lies."""
        if self.part.one_run and self.n:
            return "holds" if self.part.is_within(self.mean) else "fails"
        ends = self.interval(confidence)
        # A verdict after each new seed would be wrong more often than the interval says.
        if ends is None or self.n < self.planned:
            return "undecided"
        within = [self.part.is_within(end) for end in ends]
        return "holds" if all(within) else "undecided" if any(within) else "fails"

    @property
    def seeds_needed(self) -> int | None:
        """How many seeds would decide; None if more than 30 would not."""
        spread = float(pd.Series(self.values).std())
        return intervals.seeds_needed(self.mean, spread, self.part.limit)


@dataclass(frozen=True)
class Measured:
    """A part with its numbers.

    Args:
        part: the part of the claim.
        cases: the values of `part.each` with their numbers; one case if there is no `each`.
        complete: whether every run of the part's commands is finished.
    """

    part: Part
    cases: tuple[Case, ...] = ()
    complete: bool = True

    @cached_property
    def state(self) -> State:
        """With `each`, every case must hold, and one case that fails is enough to fail.

        That all intervals of 95 % lie within needs no correction for their number (an
        intersection-union test). That one of k lies outside does (Bonferroni's).
        """
        if not self.cases:
            return "undecided"
        if any(case.state(self._strict) == "fails" for case in self.cases):
            return "fails"
        holds = all(case.state() == "holds" for case in self.cases)
        return "holds" if holds and (self.complete or self.part.each is None) else "undecided"

    @property
    def _strict(self) -> float:
        return 1 - (1 - intervals.CONFIDENCE) / len(self.cases)

    @cached_property
    def case(self) -> Case:
        """The case that decides: the worst one."""
        if not self.cases:
            return Case(self.part, ())
        ranks: dict[State, int] = {"fails": 0, "undecided": 1, "holds": 2}

        def rank(case: Case) -> tuple[int, float]:
            state = "fails" if case.state(self._strict) == "fails" else case.state()
            return ranks[state], self.part.margin(case.mean)

        return min(self.cases, key=rank)

    @property
    def n(self) -> int:
        return self.case.n

    @property
    def mean(self) -> float:
        return self.case.mean


@dataclass(frozen=True)
class Finding:
    """The result of testing a claim.

    Args:
        claim: the claim.
        parts: the parts with their numbers, in the order of the claim.
        runs: the rows of the table that were used, by the names in the claim's `runs`.
        missing: what a verdict still needs, one line for each command.
        quick: whether the runs are of the quick plan, which decides no claim.
    """

    claim: Claim
    parts: tuple[Measured, ...]
    runs: Mapping[str, pd.DataFrame]
    missing: tuple[str, ...] = ()
    quick: bool = False

    @property
    def states(self) -> list[State]:
        return [part.state for part in self.parts]

    @property
    def verdict(self) -> Verdict:
        """Holds: every part holds. Does not hold: every part fails. In part: some do, some fail."""
        states = set(self.states)
        if self.quick:
            return "undecided"
        if {"holds", "fails"} <= states:
            return "holds in part"
        if states == {"holds"}:
            return "holds"
        return "does not hold" if states == {"fails"} else "undecided"

    @property
    def one_run(self) -> bool:
        """Whether a part of the verdict rests on one run."""
        return any(part.part.one_run and not part.part.function for part in self.parts)

    @property
    def fails_in_full(self) -> bool:
        """Whether the claim cannot hold in full, although it is undecided."""
        return self.verdict == "undecided" and not self.quick and "fails" in self.states

    @property
    def in_words(self) -> str:
        """How many parts fail and are undecided, where the verdict alone does not say it."""
        states, count = self.states, len(self.parts)
        words: dict[State, tuple[str, str]]
        words = {"holds": ("holds", "hold"), "fails": ("fails", "fail"),
                 "undecided": ("is undecided", "are undecided")}  # fmt: skip
        if count == 1 or len(set(states)) == 1:
            return ""
        counts = {state: states.count(state) for state in words if state in states}
        said = [f"{number} {words[state][number != 1]}" for state, number in counts.items()]
        first, *others = said
        leading, _, verb = first.partition(" ")
        return ", ".join([f"{leading} of {count} parts {verb}", *others])

    def sentence(self, text: str) -> str:
        """A sentence of the claim with the numbers of its parts; empty if a number is missing."""
        named = [int(number) - 1 for number in re.findall(r"\{(\d+)", text)]
        if not text or any(not self.parts[number].n for number in named):
            return ""
        return text.format("", *(part.mean for part in self.parts))


def check(claim: Claim, evidence: Evidence) -> None:
    """Refuse a claim that no run can decide, before anything is drawn."""
    steps = planned(claim)
    for number, part in enumerate(claim.parts):
        for key, group in (("of", part.of), ("minus", part.minus)):
            if group is None:
                continue
            step, seeds = steps[group.runs], steps[group.runs].seeds
            if seeds < LEAST_SEEDS and not part.one_run:
                raise UserError(
                    f"{claim.file}: runs.{group.runs}: its command has {seeds} "
                    f"{'seed' if seeds == 1 else 'seeds'}, and parts[{number}] needs at least "
                    f"{LEAST_SEEDS} (seed=0,1,2), or else one_run: true"
                )
            columns = evidence.columns(step.configs[0].task)
            has_run = not step.found(evidence).empty
            for name, text in (
                ("metric", part.metric),
                ("examples", part.examples),
                ("each", part.each),
                (f"{key}.where", group.where),
                (f"{key}.best_of", group.best_of),
            ):
                if isinstance(text, str):
                    _check_names(f"{claim.file}: parts[{number}].{name}", text, columns, has_run)


def _check_names(where: str, text: str, columns: set[str], has_run: bool) -> None:
    """Refuse a name that no run has; without a finished run of the task nothing is known.

    Entries such as `accuracy_by_length.1024` differ from run to run, so without a finished run of
    the claim their first name must be known alone.
    """
    logged = {f"{c.removeprefix('last_')}@" for c in columns if c.startswith("last_")}
    nested = set() if has_run else {c.partition(".")[0] for c in columns if "." in c}
    for name in names_in(text) if columns else ():
        if name not in columns | logged and name.partition(".")[0] not in nested:
            name = name.removesuffix("@")
            near = did_you_mean(name, columns, LIKENESS)
            raise UserError(f"{where}: no run has {name}{near}")


def finding_of(claim: Claim, evidence: Evidence) -> Finding:
    """Test a claim with the runs of the full plan, or, if there are none, of the quick plan."""
    check(claim, evidence)
    steps = full = planned(claim)
    tables = {name: step.found(evidence) for name, step in full.items()}
    quick = bool(full) and all(rows.empty for rows in tables.values())
    if quick:
        small = planned(claim, quick=True)
        in_small = {name: step.found(evidence) for name, step in small.items()}
        quick = any(len(rows) for rows in in_small.values())
        steps, tables = (small, in_small) if quick else (full, tables)
    parts = tuple(_measure(claim, part, tables, steps, evidence) for part in claim.parts)
    missing = [
        f"{missing} of {len(step.configs)} runs of {step.command}"
        for step in full.values()
        if (missing := step.missing(evidence))
    ]
    return Finding(claim, parts, tables, tuple(missing), quick)


def _measure(
    claim: Claim,
    part: Part,
    tables: Mapping[str, pd.DataFrame],
    steps: Mapping[str, Planned],
    evidence: Evidence,
) -> Measured:
    try:
        if part.function is not None:
            module, _, name = part.function.rpartition(".")
            values = getattr(importlib.import_module(module), name)()
            return Measured(part, (Case(part, tuple(float(value) for value in values)),))
        groups = [group for group in (part.of, part.minus) if group is not None]
        complete = not any(steps[group.runs].missing(evidence) for group in groups)
        seeds = max(LEAST_SEEDS, min(steps[group.runs].seeds for group in groups))
        return Measured(part, tuple(_cases(part, tables, seeds)), complete)
    except UserError:
        raise
    except Exception as error:  # pandas raises many kinds for a wrong query
        line = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise UserError(f"{claim.file}: part '{part.says}': {line}") from error


def _cases(part: Part, tables: Mapping[str, pd.DataFrame], seeds: int) -> Iterator[Case]:
    assert part.of is not None
    of = _values(part, part.of, tables[part.of.runs])
    minus = {} if part.minus is None else _values(part, part.minus, tables[part.minus.runs])
    for where, values in of.items():
        examples = None if values.examples.empty else float(values.examples.mean())
        numbers, noise = values.by_seed, 0.0
        if part.minus is not None:
            if where not in minus:
                continue
            other = minus[where]
            shared = sorted(numbers.keys() & other.by_seed.keys())
            noise = _noise(values, shared) + _noise(other, shared)
            numbers = {seed: numbers[seed] - other.by_seed[seed] for seed in shared}
        if numbers:
            yield Case(part, tuple(numbers.values()), where, examples, noise, seeds)


@dataclass(frozen=True)
class _Values:
    """The metric by seed, and the examples that each value is a share of."""

    by_seed: dict[int, float]
    examples: pd.Series


def _noise(values: _Values, seeds: Sequence[int]) -> float:
    """The variance of the mean share that the test examples alone give."""
    if values.examples.empty or not seeds:
        return 0.0
    count = float(values.examples.mean())
    mean = sum(values.by_seed[seed] for seed in seeds) / len(seeds)
    share = min(max(mean, 1 / (count + 1)), count / (count + 1))
    return share * (1 - share) / (count * len(seeds))


def _values(part: Part, group: Group, runs: pd.DataFrame) -> dict[str, _Values]:
    """The metric by seed, for each value of `each`; its mean if a seed has several runs."""
    rows = select(runs, group.where)
    if rows.empty:
        return {}
    assert part.metric is not None
    rows = rows.assign(_value=_column(rows, part.metric), _examples=_examples(rows, part.share_of))
    rows = rows[rows["_value"].notna()]
    if rows.empty:
        return {}
    cases = {"": rows}
    if part.each is not None:
        name = part.each.rpartition(".")[2]
        cases = {f"{name}={value:g}" if isinstance(value, float | int) else f"{name}={value}": some
                 for value, some in rows.groupby(part.each)}  # fmt: skip
    return {
        where: _Values(_by_seed(some, group.best_of, part.wants_more), some["_examples"].dropna())
        for where, some in cases.items()
    }


def _by_seed(rows: pd.DataFrame, best_of: str | None, highest: bool) -> dict[int, float]:
    if best_of is None:
        means = rows.groupby("seed")["_value"].mean()
        return {int(seed): float(value) for seed, value in means.items()}
    table = rows.pivot_table(index="seed", columns=best_of, values="_value")
    chosen = {}
    for seed, values in table.iterrows():
        # A seed that chose its own best value would be too good.
        others = table.drop(index=seed)[values.dropna().index].mean().dropna()
        if len(others):
            best = others.idxmax() if highest else others.idxmin()
            chosen[int(str(seed))] = float(values[best])
    return chosen


def _column(rows: pd.DataFrame, metric: str) -> pd.Series:
    """A column or an expression of columns; `NAME@STEP` is the value logged nearest to a step."""
    for name, step in set(AT_STEP.findall(metric)):
        values = [at_step(history, name, int(step)) for history in rows["history"]]
        rows = rows.assign(**{f"{name}_at_{step}": values})
        metric = metric.replace(f"{name}@{step}", f"{name}_at_{step}")
    if metric not in rows:
        columns = [name for name in names_in(metric) if name in rows]
        return pd.to_numeric(rows[columns].eval(metric, engine="python"))
    return pd.to_numeric(rows[metric])


def _examples(rows: pd.DataFrame, share_of: int | str | None) -> pd.Series | float:
    if share_of is None:
        return math.nan
    return float(share_of) if isinstance(share_of, int) else _column(rows, share_of)


def at_step(history: str, name: str, step: int) -> float:
    """The value of a history's column that was logged nearest to a step."""
    columns = json.loads(history)
    pairs = zip(columns["step"], columns[name], strict=True)
    return min((abs(s - step), value) for s, value in pairs if value is not None)[1]
