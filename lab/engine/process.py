"""What a run needs of its process, whatever the host program has set; and one run at a time.

Each setting here belongs to the whole process or to its current thread. It changes the last bits of
a run or lets it fail.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch

from lab.engine.seeding import random_streams_kept

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
