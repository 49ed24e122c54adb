"""Which images a study takes. Imports no torch."""

from typing import Literal

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass


# Not strict: it is made from the mapping that YAML gives.
@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class DataConfig:
    """Which images, and for `folder` where they lie."""

    name: Literal["mnist", "fashion_mnist", "kmnist", "emnist_digits", "folder"]
    root: str | None
