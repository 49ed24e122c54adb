#!/usr/bin/env python
"""The reference of every group, option and key, made from `conf/` and the config classes.

scripts/reference.py docs/reference.md
"""

import dataclasses
import re
import sys
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal

import annotated_types
import yaml

from lab.cli import CONF
from lab.config import RunConfig
from lab.config.trust import load
from lab.engine.files import write_text

HEAD = """# Reference

Made from `conf/` and the config classes by `scripts/reference.py docs/reference.md`.

A group is chosen by name, `cell=lstm`. A key is written `key=value`. An option's own keys are
written `group.key=value`, such as `optimizer.lr=0.001`.
"""
KEY = re.compile(r"^(\w+):\s*(.*?)\s*(?:#\s*(.*))?$")
HUGE = 2**31 - 1
BOUNDS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}


def main() -> None:
    """Write the page to the path that is given."""
    if len(sys.argv) != 2:
        sys.exit("usage: scripts/reference.py docs/reference.md")
    write_text(Path(sys.argv[1]), page())


def page() -> str:
    """The whole reference as Markdown."""
    parts = [HEAD, "## Keys of every task\n", _keys(Path(CONF, "config.yaml"), RunConfig)]
    for path in sorted(Path(CONF, "task").glob("*.yaml")):
        cls = load(yaml.safe_load(path.read_text(encoding="utf-8"))["_target_"], RunConfig, "task")
        own = _keys(path, cls, but=RunConfig)
        parts += [f"## Keys of `task={path.stem}`\n", f"{_heading(path)}\n", own]
    parts.append("## Groups\n")
    for folder in sorted(path for path in Path(CONF).iterdir() if path.is_dir()):
        if folder.name in ("task", "hydra", "claim", "experiment"):
            continue
        parts += [f"### `{folder.name}`\n", _options(folder)]
    parts += ["## Presets\n", "Give `python -m lab` the arguments in the left column.\n",
              _presets(Path(CONF, "experiment"))]  # fmt: skip
    return "\n".join(parts)


def _keys(path: Path, cls: type, but: type | None = None) -> str:
    """A table of the keys of a config class, with defaults and comments from a YAML file."""
    written = _written(path)
    hints = typing.get_type_hints(cls, include_extras=True)
    inherited = {f.name for f in dataclasses.fields(but)} if but else set()
    groups = {folder.name for folder in Path(CONF).iterdir() if folder.is_dir()}
    rows = ["| key | default | allowed | meaning |", "|---|---|---|---|"]
    for field in dataclasses.fields(cls):
        if field.name in inherited or field.name in groups:
            continue
        default, comment = written.get(field.name, (_default(field), ""))
        rows.append(_row(f"`{field.name}`", f"`{default}`" if default else "",
                         allowed(hints[field.name]), comment))  # fmt: skip
    return "\n".join(rows) + "\n"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(field: "dataclasses.Field[Any]") -> str:
    if field.default is dataclasses.MISSING:
        return ""
    return str(yaml.safe_dump(field.default)).splitlines()[0]


def _written(path: Path) -> Mapping[str, tuple[str, str]]:
    """The default and the comment, which may have several lines, of each key of a YAML file."""
    found: dict[str, tuple[str, str]] = {}
    last = None
    for line in path.read_text(encoding="utf-8").splitlines():
        match = KEY.match(line)
        more = re.match(r"^\s{8,}#\s*(.*)$", line)
        if match:
            last = match[1]
            found[last] = match[2], match[3] or ""
        elif more and last:
            found[last] = found[last][0], f"{found[last][1]} {more[1]}"
    return found


def allowed(hint: Any) -> str:
    """The values that a type allows, as text."""
    if typing.get_origin(hint) is Annotated:
        inner, *extras = typing.get_args(hint)
        bounds = ", ".join(bound for extra in extras for bound in _bounds(extra))
        return f"{allowed(inner)} {bounds}".strip()
    if typing.get_origin(hint) is Literal:
        return ", ".join(f"`{choice}`" for choice in typing.get_args(hint))
    if typing.get_origin(hint) in (typing.Union, UnionType):
        return " or ".join(allowed(part) for part in typing.get_args(hint))
    if typing.get_origin(hint) in (list, tuple):
        noun, _, bound = allowed(typing.get_args(hint)[0]).partition(" ")
        return f"a list of {noun}s {bound}".strip()
    words = {int: "integer", float: "number", bool: "`true`, `false`", str: "text",
             NoneType: "`null`", dict: "a group of keys"}  # fmt: skip
    return words.get(typing.get_origin(hint) or hint, "a group of keys")


def _bounds(extra: Any) -> Iterator[str]:
    metadata = getattr(extra, "metadata", [extra])
    for item in metadata:
        for kind, name in ((annotated_types.Ge, "ge"), (annotated_types.Gt, "gt"),
                           (annotated_types.Le, "le"), (annotated_types.Lt, "lt")):  # fmt: skip
            # A bound that only keeps numbers within their types tells a reader nothing.
            if isinstance(item, kind) and abs(getattr(item, name)) < HUGE:
                yield f"{BOUNDS[name]} {getattr(item, name):g}"


def _options(folder: Path) -> str:
    """A table of the options of a group, with their own keys."""
    rows = ["| option | its keys | meaning |", "|---|---|---|"]
    for path in _files(folder):
        own = ", ".join(f"`{key}={default}`" for key, (default, _) in _written(path).items()
                        if key not in ("_target_", "defaults", "hydra") and default)  # fmt: skip
        rows.append(_row(f"`{path.stem}`", own, _heading(path)))
    return "\n".join(rows) + "\n"


def _presets(folder: Path) -> str:
    """A table of the presets; those that sweep are started with `-m`."""
    rows = ["| preset | meaning |", "|---|---|"]
    for path in _files(folder):
        sweeps = "-m " if "mode: MULTIRUN" in path.read_text(encoding="utf-8") else ""
        rows.append(_row(f"`{sweeps}+experiment={path.stem}`", _heading(path)))
    return "\n".join(rows) + "\n"


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.yaml"), key=lambda path: path.stem)


def _heading(path: Path) -> str:
    """The comment that opens a YAML file, in one line; without the commands, which are indented."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        if not line.startswith(("# @package", "#   ")):
            lines.append(line.lstrip("# "))
    return " ".join(lines)


if __name__ == "__main__":
    main()
