"""Read and write weights in the format of safetensors."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lab.config.errors import UserError

if TYPE_CHECKING:
    import torch

LFS_POINTER = b"version https://git-lfs"


def weight_bytes(weights: "Mapping[str, torch.Tensor]") -> bytes:
    """Return tensors in the format of safetensors."""
    from safetensors.torch import save

    # safetensors refuses tensors that share memory, such as tied weights, so they are cloned.
    return save({name: t.detach().cpu().contiguous().clone() for name, t in weights.items()})


def read_weights(path: Path) -> "dict[str, torch.Tensor]":
    """Read the tensors in a file, on the CPU.

    Raises:
        UserError: the file does not exist or is damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise UserError(f"{path}: no such file; was the run copied only in part?")
    try:
        return load_file(path)
    except SafetensorError as error:
        with open(path, "rb") as file:
            is_pointer = file.read(len(LFS_POINTER)) == LFS_POINTER
        remedy = "git lfs pull fetches the file itself" if is_pointer else "copy it again"
        raise UserError(f"{path} holds no weights: {remedy}") from error
