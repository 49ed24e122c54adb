"""Which runs a claim needs, which of them are there, and which are missing."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import pandas as pd

from lab.cli import compose_jobs
from lab.config import RunConfig
from lab.config.base import flatten
from lab.config.errors import UserError
from lab.config.identity import asked_for, short_hash
from lab.report.claims import Claim, Runs
from lab.report.evidence import Evidence


def likeness(config: RunConfig, free: tuple[str, ...]) -> str:
    """A key that is equal for configs that differ only in free keys, the seed and machine keys."""
    asked = {"_target_": config.target, **flatten(asked_for(config))}
    free = ("seed", *config.NOT_ASKED_FOR, *free)
    return short_hash({k: v for k, v in asked.items() if k not in free})


@dataclass(frozen=True)
class Planned:
    """The runs of one entry of a claim's `runs`.

    Args:
        runs: the entry.
        quick: whether the quick plan is meant.
        config_dir: the user's folder of YAML files, whose presets the command may name.
    """

    runs: Runs
    quick: bool = False
    config_dir: str | None = None

    @property
    def command(self) -> str:
        """The command, as a user types it."""
        return f"python -m lab {self._words}"

    @property
    def _words(self) -> str:
        own = [] if self.config_dir is None else ["--config-dir", self.config_dir]
        return shlex.join([*own, *shlex.split(self.runs.command(self.quick))])

    @property
    def configs(self) -> tuple[RunConfig, ...]:
        """The config of each run of the command."""
        return _configs(self._words)

    def found(self, evidence: Evidence) -> pd.DataFrame:
        """The rows that differ from a planned run only in free keys."""
        wanted = {alike for alike, _ in self._wanted()}
        found = _likenesses(evidence, self.runs.free)
        names = [name for name, alike in found.items() if alike in wanted]
        table = evidence.table
        return table[table["run"].isin(names)] if len(table) else table

    def missing(self, evidence: Evidence) -> int:
        """How many planned runs are not finished; the free keys may have any value."""
        found = _likenesses(evidence, self.runs.free)
        finished = {(alike, evidence.configs[name].seed) for name, alike in found.items()}
        return sum(run not in finished for run in self._wanted())

    def _wanted(self) -> list[tuple[str, int]]:
        """The likeness and the seed of each planned run."""
        return [(likeness(config, self.runs.free), config.seed) for config in self.configs]


@cache
def _likenesses(evidence: Evidence, free: tuple[str, ...]) -> Mapping[str, str]:
    """The likeness of each row, by run; cached, because many parts of the plan ask for it."""
    return {name: likeness(config, free) for name, config in evidence.configs.items()}


@cache
def _configs(command: str) -> tuple[RunConfig, ...]:
    try:
        return tuple(compose_jobs(command))
    except UserError as error:
        raise UserError(f"the claim's command {command}: {error}") from error


def planned(claim: Claim, quick: bool = False) -> dict[str, Planned]:
    """The runs that a claim needs, by the names in its `runs`."""
    return {name: Planned(runs, quick, claim.config_dir) for name, runs in claim.runs.items()}


def plan(claims: list[Claim], quick: bool) -> dict[str, Planned]:
    """Every command of these claims once, in the order of the claims, by its text."""
    steps = [step for claim in claims for step in planned(claim, quick).values()]
    return {step.command: step for step in steps}
