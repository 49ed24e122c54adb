"""Claims. Each is a YAML file in `conf/claim/`: a statement, the runs that test it, its parts."""

import operator
import re
from collections.abc import Sequence
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from lab.cli import CONF
from lab.config.errors import UserError
from lab.config.wording import wrong_value

# The check is not strict, because YAML has lists for tuples, and mappings for groups and parts.
LOOSE = ConfigDict(extra="forbid")
COMPARE = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
BOUND = re.compile(r"(>=|<=|>|<) *(-?\d+(?:\.\d+)?(?:e-?\d+)?)")


def _is_bound(bound: str) -> str:
    if not BOUND.fullmatch(bound):
        raise ValueError(f"bound={bound} is not allowed: expected one such as '>= 0.99'")
    return bound


@dataclass(frozen=True, kw_only=True, config=LOOSE)
class Runs:
    """The runs of one command.

    Args:
        preset: a preset in `conf/experiment/`; None: a task's defaults.
        overrides: the overrides of the full plan.
        quick: the overrides of the quick plan, which has fewer steps and seeds.
        free: the keys that may differ, besides the seed.
    """

    preset: str | None = None
    overrides: str = ""
    quick: str = ""
    free: tuple[str, ...] = ()

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
        best_of: a key such as `config.optimizer.lr`; only the runs with its best value count, the
            one with the highest mean of the metric.
    """

    runs: str
    where: str | None = None
    best_of: str | None = None


@dataclass(frozen=True, kw_only=True, config=LOOSE)
class Part:
    """A statement with a number and a bound.

    Args:
        says: the statement.
        metric: a column of the table of runs, or an expression of columns.
        of: the runs that are measured.
        minus: the runs whose metric is subtracted, seed by seed.
        each: a column; the part is tested for each of its values, and the worst value counts.
        by: what must be within the bound, the mean or the whole 95 % interval.
        function: the path of a function that returns the values, if no run can measure them.
        bound: a bound such as ">= 0.99".
        form: the format of the number, as in Python's format().
    """

    says: str
    bound: Annotated[str, AfterValidator(_is_bound)]
    metric: str | None = None
    of: Group | None = None
    minus: Group | None = None
    each: str | None = None
    by: Literal["mean", "interval"] = "mean"
    function: str | None = None
    form: str = ".3f"

    def __post_init__(self) -> None:
        if (self.function is None) == (self.metric is None or self.of is None):
            raise ValueError(f"part '{self.says}' needs metric and of, or else function")

    def is_within(self, value: float) -> bool:
        """Whether a number is within the bound."""
        match = BOUND.fullmatch(self.bound)
        assert match is not None
        return bool(COMPARE[match[1]](value, float(match[2])))

    def margin(self, value: float) -> float:
        """The distance of a number from the bound; negative outside the bound."""
        match = BOUND.fullmatch(self.bound)
        assert match is not None
        return (value - float(match[2])) * (1 if match[1].startswith(">") else -1)


@dataclass(frozen=True, kw_only=True, config=LOOSE)
class Claim:
    """A statement of a source, and how runs can support or refute it.

    Args:
        id: the name of its file.
        source: S0 to S4, or a paper.
        study: memory, generation or by_hand; the section of the report.
        says: the statement, in one sentence.
        setting: the settings of the runs, as text.
        runs: the runs, by name.
        parts: the parts; the claim holds if all of them pass.
        least_seeds: the number of seeds that a verdict needs.
        why: a sentence about the reason, in which `{1}`, `{2}` stand for the numbers of the parts.
        finding: a sentence for the top of the report, with numbers in the same way.
        figures: functions of `lab.report.figures` with their arguments.
        config_dir: the user's folder that has the claim; None for `conf/`.
    """

    id: str
    source: str
    study: Literal["memory", "generation", "by_hand"]
    says: str
    parts: Annotated[list[Part], Field(min_length=1)]
    setting: str = ""
    runs: dict[str, Runs] = field(default_factory=dict)
    least_seeds: Annotated[int, Field(ge=1)] = 3
    why: str = ""
    finding: str = ""
    figures: list[dict[str, Any]] = field(default_factory=list)
    config_dir: str | None = None

    def __post_init__(self) -> None:
        for part in self.parts:
            for group in (part.of, part.minus):
                if group is not None and group.runs not in self.runs:
                    raise ValueError(f"part '{part.says}' names runs '{group.runs}', of which "
                                     f"there are {', '.join(self.runs) or 'none'}")  # fmt: skip


def load_claims(conf_dirs: Sequence[str]) -> list[Claim]:
    """Read every claim in `claim/*.yaml` of these folders, sorted by name.

    A file in a later folder replaces one with the same name in an earlier folder.

    Raises:
        UserError: a file is not a claim; the message names file, key and value.
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
        found_in = str(path.parents[1])
        own = {} if found_in == CONF else {"config_dir": found_in}
        return TypeAdapter(Claim).validate_python({"id": path.stem, **values, **own})
    except ValidationError as error:
        line = wrong_value(error.errors()[0], _keys(Claim)).replace("this task", "a claim")
        raise UserError(f"{path}: {line}") from None


def _keys(cls: type) -> list[str]:
    return list(cls.__dataclass_fields__)  # type: ignore[attr-defined]
