"""The entries of a result as cells of a table, with dotted names or their last part alone."""

from collections.abc import Iterable, Mapping
from typing import Any

from lab.config.base import flatten


def flat(result: Mapping[str, Any], most: int = 0) -> dict[str, Any]:
    """Return the entries of a result that fit into a cell of a table, nested ones as `quality.fid`.

    Lists do not fit. Values by length, class or epoch do not fit either, because their keys are not
    names.

    Args:
        result: the content of result.json.
        most: a nested entry with at most so many numbers is included in any case.
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
    """The full names by their last part, if only one name ends with it: `quality.fid` by `fid`."""
    full: dict[str, list[str]] = {}
    for name in names:
        full.setdefault(name.rpartition(".")[2], []).append(name)
    return {
        last: found[0]
        for last, found in full.items()
        if len(found) == 1 and found[0] != last and _is_path(found[0])
    }


def entry(cells: Mapping[str, Any], name: str) -> Any:
    """The cell of a name, or of the one longer name that ends with it; None if there is none."""
    if name in cells:
        return cells[name]
    found = [full for full in cells if full.endswith(f".{name}")]
    return cells[found[0]] if len(found) == 1 else None
