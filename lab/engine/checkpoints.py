"""Checkpoints that survive a kill at any moment: write, rename, keep the previous one."""

import io
import logging
import os
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch

from lab.config.errors import UserError, say
from lab.engine.files import write_atomically
from lab.engine.process import rng_state, set_rng_state
from lab.engine.run_folder import RunFolder

FORMAT = 1
# Types that are read back unchanged. Subclasses are not, such as NumPy's float.
PLAIN_TYPES = (int, float, bool, str, bytes, type(None), torch.Tensor, torch.nn.Parameter)

log = logging.getLogger(__name__)


def save(folder: RunFolder, identity: str, state: dict[str, Any]) -> None:
    """Write `checkpoint.pt`; the previous one becomes `checkpoint.prev.pt`.

    Args:
        folder: the run's folder.
        identity: the hash of the config that the state belongs to.
        state: tensors, numbers, strings, lists and dicts only (read with weights_only=True).
    """
    if path_and_type := _unreadable(state):
        *place, kind = path_and_type
        place = place[1:] if place[0] == "task" else place
        raise UserError(
            f"no checkpoint can be written: the state of {'.'.join(place)} is a {kind}; "
            "a checkpoint holds tensors, numbers, text, lists and dicts"
        )
    content = {"format": FORMAT, "identity": identity, "rng": rng_state(), "state": state}
    new = folder.checkpoint_files[0]
    # Into memory first: torch turns an OSError of a full disk into a RuntimeError without a reason.
    data = io.BytesIO()
    torch.save(content, data)
    write_atomically(new, lambda file: file.write(data.getbuffer()))
    # One complete checkpoint exists at every moment, also between these renames.
    if folder.checkpoint_file.exists():
        os.replace(folder.checkpoint_file, folder.previous_checkpoint_file)
    os.replace(new, folder.checkpoint_file)


def load(folder: RunFolder, identity: str) -> dict[str, Any] | None:
    """Load the newest complete state of this run, and restore the global random streams.

    A file that is truncated, unsafe or of another run is named, also in the log, and not used.

    Returns:
        the state that `save` got; None if there is no usable checkpoint.
    """
    passed_over = False
    for path in folder.checkpoint_files:
        if not path.exists():
            continue
        try:
            content = _read(path, identity)
        except Exception as error:  # torch raises many kinds for a damaged file
            reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
            _say(f"{path} cannot be used ({reason})")
            passed_over = True
            continue
        set_rng_state(content["rng"])
        state: dict[str, Any] = content["state"]
        return state
    if passed_over:
        _say(f"no checkpoint of {folder.path} can be used, so the run starts again at step 0")
    return None


def _say(sentence: str) -> None:
    log.warning(sentence)
    say(sentence)


def _unreadable(value: Any) -> list[str]:
    """The place of a value that `torch.load` would refuse, and its type; empty if there is none."""
    if type(value) in PLAIN_TYPES:
        return []
    if type(value) in (dict, OrderedDict) and all(type(key) in PLAIN_TYPES for key in value):
        parts = value.items()
    elif type(value) in (list, tuple):
        parts = enumerate(value)
    else:
        return [] if _is_read_back(value) else [_name_of(type(value))]
    for key, part in parts:
        if inner := _unreadable(part):
            return [str(key), *inner]
    return []


def _is_read_back(value: Any) -> bool:
    if type(value) is set:  # another process may iterate over it in another order
        return False
    file = io.BytesIO()
    try:
        torch.save(value, file)
        file.seek(0)
        torch.load(file, weights_only=True)
    except Exception:  # torch raises many kinds for classes that are not plain or not safe
        return False
    return True


def _name_of(kind: type) -> str:
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def _read(path: Path, identity: str) -> dict[str, Any]:
    content = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError("not a checkpoint of this version")
    if content["identity"] != identity:
        raise ValueError("a checkpoint of another run")
    return content
