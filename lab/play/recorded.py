"""The figures that a run drew when it was trained, for a network that a page cannot compute."""

import base64
from pathlib import Path
from typing import Any

from lab.engine.run_folder import RunFolder

MOST_BYTES = 3_000_000  # for all pictures together


def recorded(folder: RunFolder, reason: str) -> dict[str, Any]:
    """Return the reason why there are only pictures, and as many pictures as fit."""
    pictures, size = [], 0
    for path in sorted((folder.path / "figures").glob("*.png")):
        content = path.read_bytes()
        size += len(content)
        if size <= MOST_BYTES:
            pictures.append({"title": _title(path), "image": data_address(content)})
    return {"recorded": {"reason": reason, "pictures": pictures}}


def of_unknown(folder: RunFolder, part: str) -> dict[str, Any]:
    """Return the pictures of a run with a part, such as `cell my.Cell`, without equations."""
    return recorded(
        folder,
        f"The page has no equations for the {part}, so it cannot compute it. "
        "These are the figures that the run drew when it was trained.",
    )


def data_address(png: bytes) -> str:
    """Return a PNG as a data address, which needs no network."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _title(path: Path) -> str:
    return path.stem.replace("_", " ")
