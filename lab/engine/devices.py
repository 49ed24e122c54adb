"""Which device a run uses."""

import torch

from lab.config.errors import UserError


def resolve(name: str) -> str:
    """`auto` is cuda where there is one, else cpu; another name is itself, if it is there.

    Raises:
        UserError: the device asked for is not on this machine.
    """
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    available = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if not available[name]:
        there = ", ".join(device for device, is_there in available.items() if is_there)
        raise UserError(f"device={name} is not on this machine; there is {there}, or device=auto")
    return name
