"""Checkpoints that survive a kill at any moment: write, rename, keep the one before."""

import logging
import os
import random
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lab.engine.files import write_atomically
from lab.engine.run_folder import RunFolder

FORMAT = 1

log = logging.getLogger(__name__)


def save(folder: RunFolder, identity: str, state: dict[str, Any]) -> None:
    """Write `checkpoint.pt`; the one that stood there becomes `checkpoint.prev.pt`.

    Args:
        identity: of the config that the state belongs to.
        state: tensors, numbers, strings, lists and dicts only (read with weights_only=True).
    """
    content = {"format": FORMAT, "identity": identity, "rng": rng_state(), "state": state}
    new = folder.checkpoint_files[0]
    write_atomically(new, lambda file: torch.save(content, file))
    # Whichever of these renames a kill comes between, one complete checkpoint is left.
    if folder.checkpoint_file.exists():
        os.replace(folder.checkpoint_file, folder.previous_checkpoint_file)
    os.replace(new, folder.checkpoint_file)


def load(folder: RunFolder, identity: str) -> dict[str, Any] | None:
    """The newest complete state of this very run, and the random numbers put back with it.

    A file that is truncated, foreign or unsafe is named in the log and passed over.

    Returns:
        what `save` was given, or None where there is none to use.
    """
    for path in folder.checkpoint_files:
        if not path.exists():
            continue
        try:
            content = _read(path, identity)
        except Exception as error:  # whatever a damaged file makes torch raise
            reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
            log.warning("%s cannot be used (%s); trying the one before", path.name, reason)
            continue
        set_rng_state(content["rng"])
        state: dict[str, Any] = content["state"]
        return state
    return None


def _read(path: Path, identity: str) -> dict[str, Any]:
    content = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError("not a checkpoint of this version")
    if content["identity"] != identity:
        raise ValueError("a checkpoint of another run")
    return content


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
    """Put back what `rng_state` gave."""
    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal), gauss))
    position, has_gauss, cached = state["numpy"]
    key = state["numpy_key"].numpy().astype(np.uint32)
    np.random.set_state(("MT19937", key, position, has_gauss, cached))
    torch.set_rng_state(state["torch"])
    if state["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])
