"""Claims. Each is a YAML file in `conf/claim/`: a statement, the runs that test it, its parts."""

import ast
import inspect
import math
import operator
import re
import shlex
from collections.abc import Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import yaml
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from lab.cli import CONF
from lab.config.errors import UserError
from lab.config.wording import did_you_mean, wrong_value

if TYPE_CHECKING:
    import pandas as pd

# The check is not strict, because YAML has lists for tuples, and mappings for groups and parts.
LOOSE = ConfigDict(extra="forbid")
COMPARE = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
BOUND = re.compile(r"(>=|<=|>|<) *(-?\d+(?:\.\d+)?(?:e-?\d+)?)")
LEAST_SEEDS = 3
EXAMPLES: dict[str, int | str] = {
    "accuracy": "accuracy_count",
    "val_accuracy": "val_count",
    "test_accuracy": "test_count",
    "accuracy_by_length": 400,
    "class_accuracy": "config.final_samples",
    "precision": "config.final_samples",
    "recall": "config.final_samples",
}
"""The shares among the metrics: how many examples each is a share of, as a column or a number.

At most 400 examples are tested of each length. The answers within one are not independent, so
`sequence.answers=every` makes no more of them.
"""
NOT_NEGATIVE = ("fid", "steps", "mode_kl", "modes")
AT_STEP = re.compile(r"(\w+)@(\d+)")


@dataclass(frozen=True, kw_only=True, config=LOOSE)
class Runs:
    """The runs of one command.

    Args:
        preset: a preset in `conf/experiment/`; None: a task's defaults.
        overrides: the overrides of the full plan, with the seeds that count.
        quick: the overrides of the quick plan, which has fewer steps and seeds.
        free: the keys that may differ, besides the seed.
    """

    preset: str | None = None
    overrides: str = ""
    quick: str = ""
    free: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for key in ("overrides", "quick"):
            try:
                shlex.split(getattr(self, key))
            except ValueError as error:
                raise ValueError(f"{key}: {str(error).lower()}") from None

    def command(self, quick: bool = False) -> str:
        """The arguments that follow `python -m lab`."""
        preset = "" if self.preset is None else f"+experiment={self.preset}"
        return " ".join(filter(None, ("-m", preset, self.quick if quick else self.overrides)))


@dataclass(frozen=True, kw_only=True, config=LOOSE)
class Group:
    """Some of a claim's runs.

    Args:
        runs: a name in the claim's `runs`.
        where: a query in the syntax of pandas, such as `seq_len == 20 and cell == "lstm"`.
        best_of: a key such as `config.optimizer.lr`; for each seed only its best value counts. The
            mean of the other seeds chooses it: the highest for a bound with >, else the lowest.
    """

    runs: str
    where: str | None = None
    best_of: str | None = None

    def __post_init__(self) -> None:
        if self.where is not None:
            _expression("where", self.where)


@dataclass(frozen=True, kw_only=True, config=LOOSE)
class Part:
    """A statement with a number and a bound.

    Args:
        says: the statement.
        bound: a bound such as ">= 0.99".
        metric: a column of the table of runs, or an expression of columns.
        of: the runs that are measured.
        minus: the runs whose metric is subtracted, seed by seed.
        each: a column; the part is tested for each of its values.
        examples: the number of examples that the metric is a share of, or a column with it. An
            accuracy needs none; 1 is for a yes or no of each seed.
        one_run: whether the part is about one object, so that no interval is needed.
        extended_from: the number of seeds after which the runs were extended, once.
        function: the path of a function that returns the values, if no run can measure them.
        form: the format of the number, as in Python's format().
    """

    says: str
    bound: str
    metric: str | None = None
    of: Group | None = None
    minus: Group | None = None
    each: str | None = None
    examples: int | str | None = None
    one_run: bool = False
    extended_from: int | None = None
    function: str | None = None
    form: str = ".3f"

    def __post_init__(self) -> None:
        if not BOUND.fullmatch(self.bound):
            raise ValueError(f"bound={self.bound} is not allowed: expected one such as '>= 0.99'")
        if (self.function is None) == (self.metric is None or self.of is None):
            raise ValueError(f"part '{self.says}' needs metric and of, or else function")
        try:
            format(1.0, self.form)
        except ValueError:
            raise ValueError(f"form={self.form} is not allowed: expected one such as .2f") from None
        if self.metric is not None:
            _expression("metric", self.metric)
        ends = self.range
        within = [self.is_within(end) for end in ends]
        if within[0] == within[1]:
            say = "every" if within[0] else "no"
            raise ValueError(f"bound={self.bound} is not allowed: {say} value that can exist "
                             f"({ends[0]:g} to {ends[1]:g}) is within it")  # fmt: skip

    @property
    def share_of(self) -> int | str | None:
        """The examples that the metric is a share of; None if it is no share."""
        name = re.sub(r"\.\d+$", "", self.metric or "")  # the length
        return self.examples if self.examples is not None else EXAMPLES.get(name)

    @property
    def range(self) -> tuple[float, float]:
        """The smallest and the largest value that can exist."""
        if self.share_of is not None:
            return (0.0 if self.minus is None else -1.0), 1.0
        least = 0.0 if self.metric in NOT_NEGATIVE and self.minus is None else -math.inf
        return least, math.inf

    @property
    def limit(self) -> float:
        """The number of the bound."""
        return float(self.bound.lstrip("<>= "))

    @property
    def wants_more(self) -> bool:
        """Whether a higher number is better."""
        return self.bound.startswith(">")

    def is_within(self, value: float) -> bool:
        """Whether a number is within the bound."""
        return bool(COMPARE[self.bound.rstrip("-.e0123456789 ")](value, self.limit))

    def margin(self, value: float) -> float:
        """The distance of a number from the bound; negative outside the bound."""
        return (value - self.limit) * (1 if self.wants_more else -1)


@dataclass(frozen=True, kw_only=True, config=LOOSE)
class Claim:
    """A statement of a source, and how runs can support or refute it.

    Args:
        id: the name of its file.
        file: its file.
        source: S0 to S4, or a paper.
        study: memory, generation or by_hand; the section of the report.
        says: the statement, in one sentence.
        setting: the settings of the runs, as text.
        runs: the runs, by name.
        parts: the parts; the claim holds if all of them hold.
        why: a sentence about the reason, in which `{1}`, `{2}` stand for the numbers of the parts.
        finding: a sentence for the top of the report, with numbers in the same way.
        figures: functions of `lab.report.figures` with their arguments.
    """

    id: str
    file: str
    source: str
    study: Literal["memory", "generation", "by_hand"]
    says: str
    parts: Annotated[list[Part], Field(min_length=1)]
    setting: str = ""
    runs: dict[str, Runs] = field(default_factory=dict)
    why: str = ""
    finding: str = ""
    figures: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for number, part in enumerate(self.parts):
            for key, group in (("of", part.of), ("minus", part.minus)):
                if group is not None and group.runs not in self.runs:
                    raise ValueError(f"parts[{number}].{key} names runs '{group.runs}', of which "
                                     f"there are {', '.join(self.runs) or 'none'}")  # fmt: skip
        for key in ("why", "finding"):
            try:
                getattr(self, key).format("", *(1.0 for _ in self.parts))
            except (IndexError, KeyError, ValueError):
                count = len(self.parts)
                raise ValueError(f"{key} is not allowed: its numbers are {{1}} to {{{count}}}, "
                                 "with a format such as {1:.2f}") from None  # fmt: skip
        for number, figure in enumerate(self.figures):
            self._check_figure(f"figures[{number}]", figure)

    def _check_figure(self, key: str, figure: dict[str, Any]) -> None:
        from lab.report.figures import FIGURES

        draw = FIGURES.get(str(figure.get("draw")))
        if draw is None:
            near = did_you_mean(str(figure.get("draw")), FIGURES)
            raise ValueError(f"{key}.draw={figure.get('draw')} is not allowed: expected "
                             f"{', '.join(FIGURES)}{near}")  # fmt: skip
        arguments = inspect.signature(draw).parameters
        own = [name for name in arguments if name not in ("rows", "evidence")]
        allowed = ["draw", "runs", "where", *own]
        for name in figure:
            if name not in allowed:
                raise ValueError(f"{key} has no key {name}; there are {', '.join(allowed)}")
        for name, argument in arguments.items():
            if argument.default is argument.empty and name in own and name not in figure:
                raise ValueError(f"{key}.{name} is missing")
        for name in self.runs_of(figure):
            if name not in self.runs:
                raise ValueError(f"{key} names runs '{name}', of which there are "
                                 f"{', '.join(self.runs) or 'none'}")  # fmt: skip
        if figure.get("where"):
            _expression(f"{key}.where", figure["where"])

    @staticmethod
    def runs_of(figure: dict[str, Any]) -> list[str]:
        """The names of the runs that a figure draws."""
        names = figure.get("runs", [])
        return [names] if isinstance(names, str) else list(names)

    @property
    def config_dir(self) -> str | None:
        """The user's folder that has the claim; None for `conf/`."""
        found_in = str(Path(self.file).parents[1])
        return None if found_in == CONF else found_in


def names_in(expression: str) -> set[str]:
    """The columns that a metric or a query names; `NAME@STEP` is `NAME@`.

    Raises:
        SyntaxError: it is no expression.
    """
    if re.fullmatch(r"[\w.]+", expression) and not expression[0].isdigit():
        return {expression}
    quoted: list[str] = []

    def place(match: re.Match[str]) -> str:
        quoted.append(match[1] if match[1] is not None else f"{match[2]}@")
        return f"__{len(quoted) - 1}"

    # Numbers that may be digits such as 7-1+6 stand in backquotes; @ is our sign for a step.
    plain = re.sub(r"`([^`]+)`|(\w+)@\d+", place, expression)
    tree = ast.parse(plain.strip(), mode="eval")
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    names = {node.id for node in ast.walk(tree)
             if isinstance(node, ast.Name) and id(node) not in called}  # fmt: skip
    return {quoted[int(name[2:])] if re.fullmatch(r"__\d+", name) else name for name in names}


def select(rows: "pd.DataFrame", where: str | None) -> "pd.DataFrame":
    """The rows for which a query is true. All columns would make pandas clean 500 names."""
    if where is None or rows.empty:
        return rows
    columns = [name for name in names_in(where) if name in rows]
    return rows.loc[rows[columns].query(where, engine="python").index]


def _expression(key: str, text: str) -> None:
    try:
        names_in(text)
    except (SyntaxError, ValueError, IndexError):
        raise ValueError(f"{key}={text} is not an expression; a name with dots or signs stands in "
                         "`backquotes`") from None  # fmt: skip


def load_claims(conf_dirs: Sequence[str]) -> list[Claim]:
    """Read every claim in `claim/*.yaml` of these folders, sorted by name.

    A file in a later folder replaces one with the same name in an earlier folder.
    """
    files = {path.stem: path for conf in conf_dirs for path in Path(conf, "claim").glob("*.yaml")}
    return [_read(path) for _, path in sorted(files.items(), key=lambda item: _order(item[0]))]


def _order(name: str) -> list[tuple[int, str]]:
    """A key that sorts b2 before b10."""
    return [(int(part), "") if part.isdigit() else (-1, part)
            for part in re.split(r"(\d+)", name)]  # fmt: skip


def _read(path: Path) -> Claim:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path}: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise UserError(f"{path}: a claim is a mapping of keys")
    try:
        given = {"id": path.stem, **values, "file": str(path)}
        return TypeAdapter(Claim).validate_python(given)
    except ValidationError as error:
        line = wrong_value(error.errors()[0], _keys(Claim)).replace("this task", "a claim")
        raise UserError(f"{path}: {line}") from None


def _keys(cls: type) -> list[str]:
    return list(cls.__dataclass_fields__)  # type: ignore[attr-defined]
