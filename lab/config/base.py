"""The typed boundary: a composed YAML config becomes one frozen dataclass, or one clear line.

Imports neither torch nor a study, so that a mistake on the command line is answered at once.
"""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import (
    Annotated,
    Any,
    ClassVar,
    Literal,
    TypeVar,
    dataclass_transform,
    get_args,
    get_type_hints,
)

from pydantic import AfterValidator, ConfigDict, Field, field_validator
from pydantic.dataclasses import dataclass

from lab.config.history import COLUMNS
from lab.config.naming import NameParts, identity, name_parts

STRICT = ConfigDict(extra="forbid", strict=True)

# Bounds within which float32 and 32-bit counts hold: what is larger would stop a run midway.
LARGEST = 1e30
MOST = 2**31 - 1

Count = Annotated[int, Field(ge=1, le=MOST)]
Several = Annotated[int, Field(ge=2, le=MOST)]
Share = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0, le=LARGEST, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, le=LARGEST, allow_inf_nan=False)]


def _has_target(component: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(component.get("_target_"), str):
        raise ValueError("_target_ is missing: it names the class to build, my_module.MyClass")
    return component


def _has_lr(optimizer: dict[str, Any]) -> dict[str, Any]:
    lr = optimizer.get("lr")
    if isinstance(lr, bool) or not isinstance(lr, int | float) or not 0 < lr <= LARGEST:
        raise ValueError(f"lr={lr} is not allowed: expected a number above 0, at most {LARGEST:g}")
    return optimizer


def _without_tilde(path: str) -> str:
    expanded = os.path.expanduser(path)
    if expanded.startswith("~"):
        raise ValueError(f"out_dir={path} is not allowed: there is no home folder of that name")
    return expanded


# A class to build and its arguments, as `lab.config.components.build` takes them.
Component = Annotated[dict[str, Any], AfterValidator(_has_target)]
Optimizer = Annotated[Component, AfterValidator(_has_lr)]


C = TypeVar("C")


@dataclass_transform(frozen_default=True, kw_only_default=True)
def config(cls: type[C]) -> type[C]:
    """Turn a class into a config whose keys are the annotated names: `@config`.

    Each key is checked against its type. Unknown keys are refused, and values cannot be changed.
    """
    return dataclass(frozen=True, kw_only=True, config=STRICT)(cls)  # type: ignore[return-value]


@config
class RunConfig:
    """What every study's config has; a study's own config extends it and stays pure settings."""

    task: str
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)]
    device: Literal["auto", "cpu", "cuda", "mps"]
    threads: Annotated[int, Field(ge=1, le=1024)]
    max_steps: Count | None
    out_dir: Annotated[str, AfterValidator(_without_tilde)]
    fresh: bool
    dry_run: bool
    checkpoint_seconds: Annotated[float, Field(ge=0)]
    objective: str | None = None

    # Where a run is computed and written and how it is watched and compared do not make it another
    # run. Its provenance.json names the device and the threads, on which the last bits depend.
    NOT_IN_HASH: ClassVar[tuple[str, ...]] = (
        "device", "threads", "out_dir", "fresh", "dry_run", "checkpoint_seconds", "objective",
    )  # fmt: skip
    # Other words that people use for a key: `T` for `seq_len`.
    SYNONYMS: ClassVar[Mapping[str, str]] = {"learning_rate": "optimizer.lr", "steps": "max_steps"}

    @field_validator("objective")
    @classmethod
    def _is_an_entry_of_a_result(cls, name: str | None) -> str | None:
        name = None if name is None else COLUMNS.get(name, name)
        allowed = cls.objectives() if name is not None else ()
        if allowed and name not in allowed:
            raise ValueError(
                f"objective={name} is not allowed: expected {', '.join(allowed)}, "
                "or null for the study's own"
            )
        return name

    @property
    def target(self) -> str:
        """This class as a `_target_`."""
        return f"{type(self).__module__}.{type(self).__qualname__}"

    def to_dict(self) -> dict[str, Any]:
        """Every key, with the `_target_` that `from_dict` reads."""
        return {"_target_": self.target, **dataclasses.asdict(self)}

    @property
    def flat_settings(self) -> dict[str, Any]:
        """The settings that make it this run, nested ones with keys such as `optimizer.lr`."""
        return {k: v for k, v in flatten(self.to_dict()).items() if k not in self.NOT_IN_HASH}

    @property
    def identity(self) -> str:
        """8 hex digits of what was asked for: equal configs share them, others do not."""
        return identity(self, self.NOT_IN_HASH)

    @property
    def run_dir(self) -> Path:
        """`<out_dir>/runs/<readable name>-<identity>`."""
        return Path(self.out_dir) / "runs" / f"{self.readable_name}-{self.identity}"

    # What a study's own config may say otherwise.

    STUDY: ClassVar[str] = ""
    """The module with `build_task`, see lab.engine.study; empty: the one that the class is in."""

    @classmethod
    def study_module(cls) -> str:
        """The name of the study's module."""
        return cls.STUDY or cls.__module__

    @classmethod
    def objectives(cls) -> tuple[str, ...]:
        """The entries of a result that `objective=` may name; empty: any."""
        # The table is in the study's module, which imports the config: so it is imported late.
        columns = getattr(import_module(cls.study_module()), "COLUMNS", ())
        return tuple(column.key for column in columns if column.is_objective)

    # The key along the x axis of a sweep's plot, if there is one: it makes no curve of its own.
    SWEEP_AXIS: ClassVar[str | None] = None
    # The keys that the result's `label` names: a sweep's curves need not repeat them.
    IN_LABEL: ClassVar[tuple[str, ...]] = ()

    NAME_PARTS: ClassVar[NameParts] = {}
    """The keys that a run's name may show, the most important first."""

    @property
    def subject(self) -> str:
        """What the run's name begins with, e.g. `lstm-T20`."""
        return self.task

    @property
    def short_name(self) -> str:
        """The subject and the seed, e.g. `lstm-T20-s0`."""
        return f"{self.subject}-s{self.seed}"

    @property
    def readable_name(self) -> str:
        """The folder's name without the hash, e.g. `lstm-T20-lr0.003-s0`: how it differs, too."""
        parts = name_parts(dataclasses.asdict(self), self.NAME_PARTS, self.first_name_parts)
        return "-".join([self.subject, *parts, f"s{self.seed}"])

    @property
    def first_name_parts(self) -> Sequence[str]:
        """Parts of the name that need a rule of their own; empty ones are left out."""
        return ()

    def data_checksum(self) -> str | None:
        """Of the data there are now, if a run has data that may change; imports no torch."""
        return None


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, with keys such as `optimizer.lr`."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def nullable_keys(cls: type[RunConfig]) -> list[str]:
    """The keys of a study that may be null."""
    hints = get_type_hints(cls)
    return [f.name for f in dataclasses.fields(cls) if type(None) in get_args(hints[f.name])]
