"""From Hydra's composed config, or a run's config.yaml, to one frozen dataclass."""

from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException
from pydantic import ValidationError

from lab.config import trust
from lab.config.base import RunConfig, dataclass_keys, nullable_keys
from lab.config.errors import UserError
from lab.config.wording import wrong_value


def config_class(target: object) -> type[RunConfig]:
    """The dataclass that a config's `_target_` names.

    Raises:
        UserError: there is no such class, or it is not trusted (see `lab.config.trust`).
    """
    cls = trust.load(target, RunConfig, "_target_")
    if not (isinstance(cls, type) and issubclass(cls, RunConfig)):
        raise UserError(f"_target_={target}: not a RunConfig")
    return cls


def from_dict(values: dict[str, Any]) -> RunConfig:
    """The typed config of a plain mapping.

    Raises:
        UserError: a key, type or value is wrong; the line names it and what is allowed.
    """
    values = dict(values)
    cls = config_class(values.pop("_target_", None))
    # Keys that begin with an underscore or that only feed others are not the study's.
    values.pop("size", None)
    try:
        return cls(**values)
    except ValidationError as error:
        raise UserError(
            wrong_value(error.errors()[0], dataclass_keys(cls), nullable_keys(cls))
        ) from None


def from_hydra(cfg: DictConfig) -> RunConfig:
    """The typed config of what Hydra composed from the user's own words, which are trusted.

    Raises:
        UserError: a key, type, value or interpolation is wrong.
    """
    try:
        values = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    except MissingMandatoryValue as error:
        raise UserError(f"{error.full_key} is missing: give {error.full_key}=…") from error
    except OmegaConfBaseException as error:
        raise UserError(str(error).splitlines()[0]) from error
    assert isinstance(values, dict)
    with trust.trusting(trust.EVERYTHING):
        return from_dict({str(key): value for key, value in values.items()})


def unresolved(words: Any) -> list[str]:
    """Hydra's record of the overrides, as they were written: `seed=${oc.env:X}`."""
    values = OmegaConf.to_container(words, resolve=False)
    assert isinstance(values, list)
    return [str(value) for value in values]


def from_file(path: Path) -> RunConfig:
    """The typed config of a run's config.yaml.

    Its config class is imported only if it is trusted (see `lab.config.trust`). Its components are
    names until they are built.

    Raises:
        UserError: there is no such file, or it is not a run's config.
    """
    try:
        values = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise UserError(f"{path}: not a run's config ({error})") from error
    if not isinstance(values, dict):
        raise UserError(f"{path}: not a run's config")
    return from_dict(values)
