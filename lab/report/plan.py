"""Which runs a claim needs, which of them are there, and which are missing."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import pandas as pd

from lab.cli import compose_jobs
from lab.config import RunConfig
from lab.config.base import flatten
from lab.config.errors import UserError
from lab.config.naming import hashed_settings, short_hash
from lab.report.claims import Claim, Runs
from lab.report.evidence import Evidence


def likeness(config: RunConfig, free: tuple[str, ...]) -> str:
    """A key that is equal for configs that differ only in free keys, the seed and machine keys.

    Args:
        config: the config of a run.
        free: keys; a group such as `cell` stands for all keys in it.
    """
    asked = {"_target_": config.target, **flatten(hashed_settings(config))}
    free = ("seed", *config.NOT_IN_HASH, *free)
    inner = tuple(f"{key}." for key in free)
    return short_hash({k: v for k, v in asked.items() if k not in free and not k.startswith(inner)})


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

    @property
    def seeds(self) -> int:
        """How many seeds the command has."""
        return len({config.seed for config in self.configs})

    def found(self, evidence: Evidence, any_seed: bool = False) -> pd.DataFrame:
        """The rows that differ from a planned run only in free keys.

        Args:
            evidence: the table of runs.
            any_seed: whether other seeds than the planned ones count too. They do not for a
                verdict: the number of seeds is fixed before they run, since a look after each seed
                would make 5 % of wrong verdicts into 12 %.
        """
        wanted = _wanted(self._words, self.runs.free)
        alike = {of for of, _ in wanted}
        names = [
            name
            for name, of in _likenesses(evidence, self.runs.free).items()
            if (of in alike if any_seed else (of, evidence.configs[name].seed) in wanted)
        ]
        table = evidence.table
        return table[table["run"].isin(names)] if len(table) else table

    def missing(self, evidence: Evidence) -> int:
        """How many planned runs are not finished; the free keys may have any value."""
        likenesses = _likenesses(evidence, self.runs.free)
        finished = {(alike, evidence.configs[name].seed) for name, alike in likenesses.items()}
        return len(_wanted(self._words, self.runs.free) - finished)


@cache
def _likenesses(evidence: Evidence, free: tuple[str, ...]) -> Mapping[str, str]:
    """The likeness of each row, by run; cached, because many parts of the plan ask for it."""
    return {name: likeness(config, free) for name, config in evidence.configs.items()}


@cache
def _wanted(words: str, free: tuple[str, ...]) -> set[tuple[str, int]]:
    """The likeness and the seed of each run of a command."""
    return {(likeness(config, free), config.seed) for config in _configs(words)}


@cache
def _configs(words: str) -> tuple[RunConfig, ...]:
    return tuple(compose_jobs(words))


def planned(claim: Claim, quick: bool = False) -> dict[str, Planned]:
    """The runs that a claim needs, by the names in its `runs`."""
    steps = {name: Planned(runs, quick, claim.config_dir) for name, runs in claim.runs.items()}
    for name, step in steps.items():
        try:
            assert step.configs
        except UserError as error:
            key = f"runs.{name}.{'quick' if quick else 'overrides'}"
            raise UserError(f"{claim.file}: {key}: {error}") from error
    return steps


def plan(claims: Sequence[Claim], quick: bool) -> dict[str, Planned]:
    """Every command of these claims once, in the order of the claims, by its text."""
    steps = [step for claim in claims for step in planned(claim, quick).values()]
    return {step.command: step for step in steps}
