"""The `data` group of a study's config: a data set's class, its name and its arguments.

Imports neither torch nor NumPy, so that a mistake is answered at once.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from lab.config import Component

# `_target_` of the names that stood in a config before data sets were classes.
CLASSES_BY_NAME = {
    "mnist": "lab.images.published.MNIST",
    "fashion_mnist": "lab.images.published.FashionMNIST",
    "kmnist": "lab.images.published.KMNIST",
    "emnist_digits": "lab.images.published.EMNISTDigits",
    "folder": "lab.images.folder.Folder",
}


def upgraded(data: Any) -> Any:
    """`{name: mnist, root: null}` of an older config.yaml as a component; others as they are."""
    if not isinstance(data, Mapping) or "_target_" in data:
        return data
    name = data.get("name")
    if name not in CLASSES_BY_NAME or not data.keys() <= {"name", "root"}:
        return data
    arguments = {"root": data.get("root"), "convert": False} if name == "folder" else {}
    return {"_target_": CLASSES_BY_NAME[name], "name": name, **arguments}


def _has_name(data: dict[str, Any]) -> dict[str, Any]:
    name = data.get("name")
    if not isinstance(name, str) or not re.fullmatch(r"[\w.-]+", name):
        raise ValueError(
            f"name={name} is not allowed: expected a word for the names of runs, "
            "of letters, digits, _, - and ."
        )
    return data


DataComponent = Annotated[Component, BeforeValidator(upgraded), AfterValidator(_has_name)]
"""A data set's class and arguments, and `name`: what runs and results call it."""


def data_checksum(data: Mapping[str, Any]) -> str | None:
    """The checksum of the images there are now; None where they cannot become others.

    Reads the images. Imports no torch.

    Raises:
        UserError: they cannot be read.
    """
    from lab.images.base import joint_checksum, open_data_set, read_splits, split_checksum

    source = open_data_set(data)
    if not source.can_change:
        return None
    return joint_checksum(*map(split_checksum, read_splits(data, source)))
