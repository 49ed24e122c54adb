"""The `data` group of a config: a data set's class, its name and its arguments.

This module imports neither torch nor NumPy, so that a complaint about a config comes at once.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from lab.config import Component, RunConfig, config

# The classes of the names that older configs have; data sets were not classes then.
CLASSES_BY_NAME = {
    "mnist": "lab.images.published.MNIST",
    "fashion_mnist": "lab.images.published.FashionMNIST",
    "kmnist": "lab.images.published.KMNIST",
    "emnist_digits": "lab.images.published.EMNISTDigits",
    "folder": "lab.images.folder.Folder",
}


def upgraded(data: Any) -> Any:
    """Turn `{name: mnist, root: null}` of an older config.yaml into a component; keep others."""
    if not isinstance(data, Mapping) or "_target_" in data:
        return data
    name = data.get("name")
    if name not in CLASSES_BY_NAME or not data.keys() <= {"name", "root"}:
        return data
    arguments = (
        {"root": data.get("root"), "convert": False, "ground": None} if name == "folder" else {}
    )
    return {"_target_": CLASSES_BY_NAME[name], "name": name, **arguments}


def _has_name(data: dict[str, Any]) -> dict[str, Any]:
    name = data.get("name")
    if not isinstance(name, str) or not re.fullmatch(r"[\w.-]+", name):
        raise ValueError(
            f"name={name} is not allowed: it is part of runs' names, so it may have only letters, "
            "digits, _, - and ."
        )
    return data


DataComponent = Annotated[Component, BeforeValidator(upgraded), AfterValidator(_has_name)]
"""A data set's class and arguments, and `name`, which is used in the names of runs and results."""


@config
class ImageConfig(RunConfig):
    """Base class of the config of a study of images."""

    data: DataComponent

    def data_checksum(self) -> str | None:
        return data_checksum(self.data)


def data_checksum(data: Mapping[str, Any]) -> str | None:
    """Read the images and return their checksum; None if the same arguments always give the same.

    This imports no torch.
    """
    from lab.images.base import joint_checksum, open_data_set, read_splits, split_checksum

    source = open_data_set(data)
    if not source.can_change:
        return None
    return joint_checksum(*map(split_checksum, read_splits(data, source)))
