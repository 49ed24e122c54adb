"""The entries of a result as cells of a table: names with dots, found by their last part too."""

from collections.abc import Iterable, Mapping
from typing import Any

from lab.config.base import flatten


def flat(result: Mapping[str, Any], most: int = 0) -> dict[str, Any]:
    """Those entries of a result that fit into a table's cell, nested ones as `quality.fid`.

    A list does not. Neither does what is nested below something that is no name: the values by
    length, by class or by epoch.

    Args:
        result: as result.json holds it.
        most: a nested entry with so many numbers, or less, comes with all that is below it.
    """
    cells: dict[str, Any] = {}
    for key, value in result.items():
        nested = flatten({key: value})
        if len(nested) > most:
            nested = {name: v for name, v in nested.items() if name == key or _is_path(name)}
        cells |= nested
    return {name: value for name, value in cells.items() if not isinstance(value, list)}


def _is_path(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))


def short_names(names: Iterable[str]) -> dict[str, str]:
    """The full name by its last part, where that means one entry only: `quality.fid` by `fid`."""
    full: dict[str, list[str]] = {}
    for name in names:
        full.setdefault(name.rpartition(".")[2], []).append(name)
    return {
        last: found[0]
        for last, found in full.items()
        if len(found) == 1 and found[0] != last and _is_path(found[0])
    }


def entry(cells: Mapping[str, Any], name: str) -> Any:
    """The cell of a name, which may be the last part of a longer one; None where there is none."""
    if name in cells:
        return cells[name]
    found = [full for full in cells if full.endswith(f".{name}")]
    return cells[found[0]] if len(found) == 1 else None
