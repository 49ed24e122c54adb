"""From Hydra's composed config, or a run's config.yaml, to one frozen dataclass."""

import dataclasses
import os
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException
from pydantic import ValidationError

from lab.config import trust
from lab.config.base import RunConfig, nullable_keys
from lab.config.errors import UserError, broken_yaml
from lab.config.history import upgraded
from lab.config.wording import wrong_value

REMEDY = "the command in provenance.json makes the run again"


def config_class(target: object) -> type[RunConfig]:
    """The dataclass that a config's `_target_` names."""
    cls = trust.load(target, RunConfig, "_target_")
    if not (isinstance(cls, type) and issubclass(cls, RunConfig)):
        raise UserError(f"_target_={target}: not a RunConfig")
    return cls


def from_dict(values: dict[str, Any]) -> RunConfig:
    """The typed config of a plain mapping, which may be of an earlier version of the code."""
    values = upgraded(values)
    cls = config_class(values.pop("_target_", None))
    # Keys that begin with an underscore or that only feed others are not the study's.
    values.pop("size", None)
    try:
        return cls(**values)
    except ValidationError as error:
        keys = [field.name for field in dataclasses.fields(cls)]
        raise UserError(wrong_value(error.errors()[0], keys, nullable_keys(cls))) from None


def from_hydra(cfg: DictConfig) -> RunConfig:
    """The typed config of what Hydra composed from the user's own words, which are trusted."""
    try:
        values = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    except MissingMandatoryValue as error:
        raise UserError(f"{error.full_key} is missing: give {error.full_key}=…") from error
    except OmegaConfBaseException as error:
        raise UserError(str(error).splitlines()[0]) from error
    assert isinstance(values, dict)
    with trust.trusting(trust.EVERYTHING):
        return from_dict({str(key): _absolute(value) for key, value in values.items()})


def _absolute(value: Any) -> Any:
    """A group with its `root` absolute: one folder is one path, wherever the run is read."""
    if not isinstance(value, dict):
        return value
    values = {str(key): _absolute(item) for key, item in value.items()}
    root = values.get("root")
    return {**values, "root": os.path.realpath(os.path.expanduser(root))} if root else values


def from_file(path: Path) -> RunConfig:
    """The typed config of a run's config.yaml, which may be of an earlier version of the code.

    Its config class is imported only if it is trusted (see `lab.config.trust`). Its components are
    names until they are built.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; not a run's folder?") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path} is damaged ({broken_yaml(error)}); {REMEDY}") from error
    if not isinstance(values, dict) or not isinstance(values.get("_target_"), str):
        raise UserError(f"{path} is not a run's config: it has no _target_; {REMEDY}")
    try:
        return from_dict(values)
    except UserError as error:
        raise UserError(f"{path}: {error} (another version of lab wrote it?); {REMEDY}") from error
