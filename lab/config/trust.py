"""Which code a config may name: everything in the user's own command, little in a run opened again.

A `_target_` in a config.yaml is a name that gets imported and called. A run's folder may come from
somebody else, so opening one imports only from `lab`, from `torch` and from packages that the user
names, and builds only classes derived from the base class of their kind. Importing a module already
runs its code, so the name is checked before the import. This is the default wherever a config is
read or a component is built. A training command trusts its own words: `from_hydra`, `jobs.perform`
and the recap of a sweep run within `trusting(EVERYTHING)`.

A tool that opens runs does this, with `--trust` as the user gave it:

    hide_current_folder()                  # first of all, before torch is imported
    with trusting(EVERYTHING):             # for --trust alone
        network, config = load_network(folder)
    with trusting("my_cells", "my_study"): # for packages named one by one
        ...

A user's own folder of YAML files says which packages are the user's: `packages_named_in`.
"""

import importlib
import os
import pkgutil
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import metadata
from pathlib import Path
from typing import Any

from lab.config.errors import UserError, reason
from lab.config.wording import did_you_mean

ALWAYS = ("lab", "torch")
EVERYTHING = "*"
"""As a package's name: any code at all, functions too."""

_trusted: ContextVar[tuple[str, ...]] = ContextVar("trusted", default=ALWAYS)
_TARGET = re.compile(r"^\s*_target_:\s*[\"']?(\w+)\.", re.MULTILINE)
"""The package of a class in a YAML file."""


@contextmanager
def trusting(*packages: str) -> Iterator[None]:
    """Within it configs may also name classes of these packages, in the current folder too.

    Args:
        packages: top-level names such as `my_cells`; `EVERYTHING` for any code.
    """
    token = _trusted.set((*_trusted.get(), *packages))
    see_current_folder()
    try:
        yield
    finally:
        _trusted.reset(token)


def current_folder() -> str:
    """The current folder, unless it was removed: then neither Python nor torch can work there."""
    try:
        return os.getcwd()
    except FileNotFoundError as error:
        raise UserError("the current folder was removed: change to another one") from error


def see_current_folder() -> None:
    """Let modules in the current folder be imported, unless an installed one has the name."""
    folder = current_folder()
    if not {"", folder} & set(sys.path):
        sys.path.append(folder)


def hide_current_folder() -> None:
    """Let no module in the current folder be imported, whatever it is called: torch.py, say."""
    hidden = ("", current_folder())
    sys.path[:] = [path for path in sys.path if path not in hidden]


def is_trusted(target: object) -> bool:
    """Whether a `_target_` names code that may be imported now."""
    trusted = _trusted.get()
    return EVERYTHING in trusted or str(target).partition(".")[0] in trusted


def packages_named_in(config_dir: str) -> set[str]:
    """The packages of the classes that the YAML files of a folder name."""
    if not os.path.isdir(config_dir):
        raise UserError(f"--config-dir {config_dir}: no such folder")
    found: set[str] = set()
    for path in Path(config_dir).rglob("*.yaml"):
        found |= set(_TARGET.findall(path.read_text(encoding="utf-8", errors="replace")))
    return found


def load(target: object, base: type | None, what: str) -> Any:
    """What a `_target_` names, imported if it may be.

    Args:
        target: a dotted name, `my_cells.MyCell`.
        base: the class that a class of this kind is derived from, `torch.nn.Module` if None. It is
            asked for unless everything is trusted.
        what: the key that names it, for the message: `cell`.
    """
    name = str(target)
    trusted = _trusted.get()
    if not is_trusted(name):
        raise _refused(what, name, f"is not part of {_listed(trusted)}")
    code = _find(name, what)
    if EVERYTHING in trusted:
        return code
    if base is None:
        from torch.nn import Module

        base = Module
    # A name within lab may lead to what lab itself imports: lab.config.trust.os.system.
    if not (isinstance(code, type) and base in code.__mro__):
        raise _refused(what, name, f"is no class derived from {base.__module__}.{base.__name__}")
    if code.__module__.partition(".")[0] not in trusted:
        raise _refused(what, name, f"is not part of {_listed(trusted)}")
    return code


def _refused(what: str, name: str, why: str) -> UserError:
    package = name.partition(".")[0]
    narrow = "" if package in ALWAYS else f"--trust-package {package} or "
    return UserError(
        f"{what} names {name}, which {why}: a config can name any code, so it was not run; "
        f"{narrow}--trust allows it, if you trust whoever made this run"
    )


def _listed(names: Sequence[str]) -> str:
    unique = list(dict.fromkeys(names))
    return f"{', '.join(unique[:-1])} or {unique[-1]}"


def _find(name: str, what: str) -> Any:
    """Import the longest part of `name` that is a module; the rest are attributes."""
    parts = name.split(".")
    if len(parts) < 2 or not all(part.isidentifier() for part in parts):
        raise UserError(f"{what} names {name}: expected a module and a class, my_module.MyClass")
    place: Any = None
    for depth, part in enumerate(parts):
        path = ".".join(parts[: depth + 1])
        if place is not None and hasattr(place, part):
            place = getattr(place, part)
            continue
        if depth == 0 or hasattr(place, "__path__"):
            try:
                place = importlib.import_module(path)
                continue
            except ModuleNotFoundError as error:
                if error.name != path:  # a module that the user's own module imports
                    raise UserError(f"{what} {name}: {reason(error)}") from error
            except Exception as error:
                raise UserError(f"{what} {name}: {reason(error)}") from error
        if depth == 0:
            more = _in_an_extra(part) or did_you_mean(
                part, (module.name for module in pkgutil.iter_modules())
            )
            raise UserError(f"{what} names {name}: there is no module {part} to import{more}")
        owner = ".".join(parts[:depth])
        near = did_you_mean(part, (word for word in dir(place) if not word.startswith("_")))
        raise UserError(f"{what} names {name}: there is no {part} in {owner}{near}")
    return place


def _in_an_extra(package: str) -> str:
    """How to install a package that one of our extras brings; empty for any other."""
    try:
        required = metadata.requires("lab") or []
    except metadata.PackageNotFoundError:
        return ""
    for line in required:
        match = re.fullmatch(rf"{package}\b.*extra == [\"'](\w+)[\"']", line)
        if match:
            return f": pip install 'lab[{match[1]}]'"
    return ""
