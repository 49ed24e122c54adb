"""Choose the device of a run, and the precision of its matrix products."""

from pathlib import Path
from typing import Literal

import torch

from lab.config.errors import UserError, say

Precision = Literal["fp32", "bf16"]
CPU_FLAGS = {"avx512_bf16", "amx_bf16"}


def resolve(name: str) -> str:
    """Return the device for a name: for `auto` cuda if there is one, else cpu."""
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


def resolve_precision(name: Literal["auto", "fp32", "bf16"], device: str) -> Precision:
    """Return the precision for a name: for `auto` bf16 if the device has it natively, else fp32.

    For bf16 on a device without native bf16 it prints a warning.

    Args:
        name: the config's `precision`.
        device: cpu, cuda or mps.
    """
    if name == "auto":
        return "bf16" if has_bf16(device) else "fp32"
    if name == "bf16" and not has_bf16(device):
        say(
            f"precision=bf16: this {device} is not known to have native bf16. Emulated bf16 is "
            "many times slower than fp32; precision=auto uses bf16 only if it is native"
        )
    return name


def has_bf16(device: str) -> bool:
    """Whether the device is known to have native bf16."""
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device == "cpu" and not CPU_FLAGS.isdisjoint(cpu_flags())


def cpu_flags() -> set[str]:
    """The processor's features by Linux's names for x86; empty on other systems."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return set()
    flags = next((line for line in lines if line.startswith("flags")), "")
    return set(flags.partition(":")[2].split())
