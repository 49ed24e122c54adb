"""Which device a run uses, and in which precision it multiplies there."""

from pathlib import Path
from typing import Literal

import torch

from lab.config.errors import UserError, say

Precision = Literal["fp32", "bf16"]
CPU_FLAGS = {"avx512_bf16", "amx_bf16"}


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


def resolve_precision(name: Literal["auto", "fp32", "bf16"], device: str) -> Precision:
    """`auto` is bf16 where the device multiplies it natively, else fp32; another name is itself.

    Says in a line where the bf16 that is asked for is emulated.

    Args:
        name: as the config has it.
        device: cpu, cuda or mps.
    """
    if name == "auto":
        return "bf16" if has_bf16(device) else "fp32"
    if name == "bf16" and not has_bf16(device):
        say(
            f"precision=bf16: this {device} is not known to have native bf16. Emulated it is many "
            "times slower than fp32; precision=auto uses bf16 only where it is native"
        )
    return name


def has_bf16(device: str) -> bool:
    """Whether the device is known to multiply bf16 natively."""
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device == "cpu" and not CPU_FLAGS.isdisjoint(cpu_flags())


def cpu_flags() -> set[str]:
    """What the processor can do, as Linux on x86 names it; elsewhere nothing."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return set()
    flags = next((line for line in lines if line.startswith("flags")), "")
    return set(flags.partition(":")[2].split())
