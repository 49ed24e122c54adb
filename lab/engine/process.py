"""What a run needs of its process: its random numbers, its device and precision, and settings.

The settings belong to the whole process or to its current thread, and the host program may have set
them. Each changes the last bits of a run or lets it fail. One run at a time has them.
"""

import hashlib
import os
import random
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from lab.config.errors import UserError, say

Precision = Literal["fp32", "bf16"]
CPU_FLAGS = {"avx512_bf16", "amx_bf16"}


def seed_everything(seed: int) -> None:
    """Seed the global random streams of Python, NumPy and torch."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def random_stream(seed: int, purpose: str, device: str = "cpu") -> torch.Generator:
    """Return the random stream of a purpose. Draws from it do not change any other stream."""
    digest = hashlib.sha256(f"{purpose} {seed}".encode()).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(digest[:8]) >> 1)


def rng_state() -> dict[str, Any]:
    """The global random states of Python, NumPy and torch, as tensors and plain values."""
    version, internal, gauss = random.getstate()
    numpy_state = np.random.get_state(legacy=False)
    assert isinstance(numpy_state, dict)
    return {
        "python": [version, list(internal), gauss],
        "numpy_key": torch.from_numpy(numpy_state["state"]["key"].astype(np.int64)),
        "numpy": [
            int(numpy_state["state"]["pos"]),
            int(numpy_state["has_gauss"]),
            float(numpy_state["gauss"]),
        ],
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def set_rng_state(state: dict[str, Any]) -> None:
    """Restore the random states that `rng_state` returned."""
    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal), gauss))
    position, has_gauss, cached = state["numpy"]
    key = state["numpy_key"].numpy().astype(np.uint32)
    np.random.set_state(("MT19937", key, position, has_gauss, cached))
    torch.set_rng_state(state["torch"])
    if state["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])


@contextmanager
def random_streams_kept() -> Iterator[None]:
    """A context at whose end the global random streams are as they were at its beginning."""
    before = rng_state()
    try:
        yield
    finally:
        set_rng_state(before)


def resolve_device(name: str) -> str:
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


_one_at_a_time = threading.RLock()


def _in_a_forked_process() -> None:
    """Make a new lock: a thread that was not forked may have held the old one."""
    global _one_at_a_time
    _one_at_a_time = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_a_forked_process)


@contextmanager
def own_process() -> Iterator[None]:
    """A context with the settings of a new process, at whose end the host has its own again.

    The global random streams too are then as before. Other threads wait until the end. In the same
    thread it may be entered again.
    """
    with _one_at_a_time, random_streams_kept(), _settings_of_a_new_process(), ExitStack() as modes:
        # The current folder is put there, for classes of the user's own.
        modes.callback(sys.path.__setitem__, slice(None), sys.path.copy())
        modes.enter_context(torch.inference_mode(False))
        modes.enter_context(torch.enable_grad())
        for kind in ("cpu", "cuda", "mps"):
            if torch.is_autocast_enabled(kind):
                modes.enter_context(torch.autocast(kind, enabled=False))
        if torch.get_default_device().type != "cpu":  # within it every call of torch is slower
            modes.enter_context(torch.device("cpu"))
        modes.enter_context(np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"))
        yield


def _matmul_precision() -> str | None:
    """Of all backends; None if the host has set one of them alone, which torch refuses to read."""
    try:
        return torch.get_float32_matmul_precision()
    except RuntimeError:
        return None


def _flushes_denormal() -> bool:
    tiny = torch.full((1,), torch.finfo(torch.float32).tiny, dtype=torch.float32, device="cpu")
    return float(tiny.mul(0.5)) == 0


Setting = tuple[Callable[[], Any], Callable[[Any], object], Any]
"""How to read it, how to set it, and its value in a new process."""


def _of(owner: object, name: str, value: object) -> Setting:
    return partial(getattr, owner, name), partial(setattr, owner, name), value


def _settings() -> list[Setting]:
    backends: Any = torch.backends
    cuda, mkldnn = backends.cudnn, backends.mkldnn
    threads = torch.get_num_threads()  # the run sets its own
    return [
        (torch.get_num_threads, torch.set_num_threads, threads),
        (torch.get_default_dtype, torch.set_default_dtype, torch.float32),
        (torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode, 0),
        (_flushes_denormal, torch.set_flush_denormal, False),
        # It also sets the precisions of matmul below, so it comes before them.
        (_matmul_precision, torch.set_float32_matmul_precision, "highest"),
        _of(backends, "fp32_precision", "none"),
        *(_of(part, "fp32_precision", "none") for part in (mkldnn.matmul, mkldnn.conv, mkldnn.rnn)),
        _of(backends.cuda.matmul, "fp32_precision", "none"),
        *(_of(part, "fp32_precision", "tf32") for part in (cuda.conv, cuda.rnn)),
        *(_of(cuda, name, value) for name, value in
          (("enabled", True), ("benchmark", False), ("deterministic", False))),
        # The kernels of scaled_dot_product_attention, of the CPU too.
        *((getattr(backends.cuda, f"{kernel}_sdp_enabled"),
           getattr(backends.cuda, f"enable_{kernel}_sdp"), True)
          for kernel in ("flash", "mem_efficient", "math", "cudnn")),
    ]  # fmt: skip


@contextmanager
def _settings_of_a_new_process() -> Iterator[None]:
    settings = _settings()
    before = [read() for read, _, _ in settings]
    try:
        for read, write, value in settings:
            if read() != value:
                write(value)
        yield
    finally:
        for (read, write, _), value in zip(settings, before, strict=True):
            if value is not None and read() != value:
                write(value)
