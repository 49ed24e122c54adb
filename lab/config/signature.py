"""The arguments of a component against the signature of its class, checked before it is called."""

import inspect
import json
import linecache
import re
import traceback
import typing
from collections.abc import Callable, Collection, Mapping
from typing import Any

from pydantic import ConfigDict, PydanticUserError, TypeAdapter, ValidationError

from lab.config.base import LARGEST
from lab.config.errors import UserError
from lab.config.wording import OWN_FILE, did_you_mean, shown, wrong_type

STRICT = ConfigDict(strict=True, arbitrary_types_allowed=True)
# Types that YAML cannot write: such an argument is left to the class itself.
NOT_FROM_YAML = ("is_instance_of", "is_subclass_of", "callable_type")


def check(
    group: str,
    cls: Callable[..., Any],
    given: Mapping[str, Any],
    args: int = 0,
    added: Collection[str] = (),
) -> None:
    """Refuse an argument that the class does not take, lacks, or annotates otherwise.

    Args:
        group: the config group, `cell`.
        cls: the class, or whatever else is called to build the component.
        given: the arguments of the YAML file; those that are components are built.
        args: how many positional arguments the study adds in front of them.
        added: names of the keyword arguments that the study adds.

    Raises:
        UserError: naming the key, the value and what is allowed.
    """
    try:
        parameters = inspect.signature(cls).parameters.values()
    except (TypeError, ValueError):  # written in C
        return
    positional = [p.name for p in parameters if p.kind == p.POSITIONAL_OR_KEYWORD]
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    free = {p.name: p for p in named if p.name not in {*positional[:args], *added}}
    name = getattr(cls, "__name__", str(cls))
    if not any(p.kind == p.VAR_KEYWORD for p in parameters):
        for key in given:
            if key not in free:
                takes = ", ".join(free) or "no arguments"
                near = did_you_mean(key, free)
                raise UserError(f"{group}.{key} means nothing to {name}: it takes {takes}{near}")
    for key, p in free.items():
        if p.default is p.empty and key not in given:
            raise UserError(f"{group}.{key} is missing: {name} needs it")
    hints = _hints(cls)
    for key, value in given.items():
        default = free[key].default if key in free else None
        # `x: float = None` is a common way to annotate an optional argument.
        if value is None and default is None:
            continue
        if value != default:
            _check_size(f"{group}.{key}", value)
        if key in hints:
            _check_type((group, key), value, hints[key])


def _hints(cls: Callable[..., Any]) -> dict[str, Any]:
    try:
        function = cls.__init__ if isinstance(cls, type) else cls  # type: ignore[misc]
        return typing.get_type_hints(function, include_extras=True)
    except Exception:  # a name that only a type checker can see, or an annotation of another kind
        return {}


def refused_by_a_base(
    error: Exception, group: str, cls: Callable[..., Any], given: Mapping[str, Any]
) -> str | None:
    """The line for a TypeError of a class that hands `**kwargs` on, such as torch.nn.LSTM.

    Its own signature tells nothing, so this looks at those of its bases.
    """
    if not (isinstance(error, TypeError) and isinstance(cls, type)):
        return None
    for base in cls.__mro__[1:]:
        parameters = inspect.signature(base.__init__).parameters.values()  # type: ignore[misc]
        if any(p.kind == p.VAR_KEYWORD for p in parameters):
            continue
        unknown = [key for key in given if key not in {p.name for p in parameters}]
        if unknown:
            keys = ", ".join(f"{group}.{key}" for key in unknown)
            return f"{cls.__name__} does not take {keys}; {OWN_FILE}"
        hints = _hints(base)
        try:
            for key in given:
                if key in hints:
                    _check_type((group, key), given[key], hints[key])
        except UserError as refusal:
            return str(refusal)
        return None
    return None


def _check_size(key: str, value: object) -> None:
    """Refuse numbers, nested ones too, that float32 cannot hold; torch would stop at a step."""
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            _check_size(key, inner)
    elif isinstance(value, int | float) and not abs(value) <= LARGEST:  # nan too
        expected = f"expected a number between -{LARGEST:g} and {LARGEST:g}"
        raise UserError(f"{key}={shown(value)} is not allowed: {expected}")


def _check_type(where: tuple[str, ...], value: object, hint: Any) -> None:
    """Check as JSON, which has YAML's types: a list may be a tuple, but true is no number."""
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(hint, config=STRICT)
        adapter.validate_json(json.dumps(value))
    except ValidationError as error:
        errors = [e for e in error.errors() if e["type"] not in NOT_FROM_YAML]
        if errors:
            raise UserError(wrong_type(where, errors)) from None
    except (PydanticUserError, TypeError):  # no type of pydantic's; a component, or a date
        return


def refused_by(error: Exception, group: str, given: Mapping[str, Any]) -> str | None:
    """The line for a ValueError of an installed library's class that names one of its arguments.

    torch's optimizers check `if not 0.0 <= alpha:` and raise in the line below: what they allow
    stands there.
    """
    message = str(error).strip()
    named = [key for key in given if len(key) > 2 and key.rstrip("s") in message]
    if type(error) is not ValueError or not named or "\n" in message:
        return None
    key = max(named, key=len)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    before = linecache.getline(frame.filename, (frame.lineno or 1) - 1)
    condition = re.fullmatch(r"\s*if not (.+):\s*", before)
    expected = f"expected {condition[1]}" if condition else message
    return f"{group}.{key}={shown(given[key])} is not allowed: {expected}"
