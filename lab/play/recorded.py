"""The pictures that a run drew when it was trained, for a network that a page cannot compute."""

import base64
from pathlib import Path
from typing import Any

from lab.engine.run_folder import RunFolder

MOST_BYTES = 3_000_000  # of all pictures together


def recorded(folder: RunFolder, reason: str) -> dict[str, Any]:
    """The reason why there are only pictures, and the pictures as far as they fit."""
    pictures, size = [], 0
    for path in sorted((folder.path / "figures").glob("*.png")):
        content = path.read_bytes()
        size += len(content)
        if size <= MOST_BYTES:
            pictures.append({"title": _title(path), "image": data_address(content)})
    return {"recorded": {"reason": reason, "pictures": pictures}}


def data_address(png: bytes) -> str:
    """The bytes of a PNG file as an address that needs no network."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _title(path: Path) -> str:
    return path.stem.replace("_", " ")
