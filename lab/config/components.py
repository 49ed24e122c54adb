"""Components a user may swap for their own: built from a `_target_` and its arguments.

A new cell, optimizer, network, loss or data set is a class anywhere on the Python path and a YAML
file in its group; no code of ours changes. The class's signature is the schema: pydantic checks the
arguments against its annotations before the class is called. An argument may be a component too, a
mapping with a `_target_` of its own.
"""

import inspect
import json
import re
import typing
from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Any

from pydantic import ConfigDict, Field, PydanticUserError, TypeAdapter, ValidationError

from lab.config import trust
from lab.config.base import LARGEST, NotNegative
from lab.config.errors import UserError, reason, users_line
from lab.config.wording import did_you_mean, shown, wrong_type

Beta = Annotated[float, Field(ge=0, lt=1)]
STRICT = ConfigDict(strict=True, arbitrary_types_allowed=True)
# torch's optimizers refuse wrong values of these, but do not say what is allowed.
OF_TORCH: dict[str, Any] = {
    **dict.fromkeys(("alpha", "eps", "momentum", "weight_decay"), NotNegative),
    "betas": tuple[Beta, Beta],
}
# Types that YAML cannot write: such an argument is left to the class itself.
NOT_FROM_YAML = ("is_instance_of", "is_subclass_of", "callable_type")


def build(
    group: str,
    component: dict[str, Any],
    *args: object,
    base: type | None = None,
    transform_class: Callable[[type], type] | None = None,
    **kwargs: object,
) -> Any:
    """Build what `component["_target_"]` names from its arguments and ours.

    Args:
        group: the config group, named in the message when something is wrong.
        component: `_target_` and the keyword arguments of the YAML file.
        args, kwargs: what the study adds, e.g. the parameters for an optimizer.
        base: the class that components of this kind are derived from, `torch.nn.Module` if none is
            given. Only a run that is opened again is held to it; see `lab.config.trust`.
        transform_class: returns the class to build in place of the named one.
    """
    cls = trust.load(component["_target_"], base, group)
    given = {key: value for key, value in component.items() if key != "_target_"}
    built = {key: _built(f"{group}.{key}", value) for key, value in given.items()}
    check_arguments(group, cls, built, len(args), kwargs)
    if transform_class is not None:
        cls = transform_class(cls)
    try:
        return cls(*args, **built, **kwargs)
    except UserError:
        raise
    except Exception as error:
        # A ValueError of lab's own or of a library says in words what is wrong.
        plain = type(error) is ValueError and str(error) and not users_line(error)
        why = str(error).splitlines()[-1] if plain else reason(error)
        key = _argument_in(str(error), given) if isinstance(error, ValueError) else None
        if key is not None:
            line = f"{group}.{key}={shown(given[key])} is not allowed: {why}"
        else:
            arguments = ", ".join(f"{key}={shown(value)}" for key, value in given.items())
            line = f"{group} {component['_target_']}({arguments}): {why}"
        raise UserError(line) from error


def _argument_in(message: str, given: Mapping[str, Any]) -> str | None:
    """The argument that a message names first, or else the first whose number it has."""
    words = [word.strip(".") for word in re.findall(r"[\w.+-]+", message)]
    numbers = {
        str(number): key
        for key, value in given.items()
        for number in (value if isinstance(value, list) else [value])
        if isinstance(number, int | float)
    }
    named = [word for word in words if word in given] or [numbers.get(word) for word in words]
    return next(filter(None, named), None)


def check_own_classes(settings: Mapping[str, Any], where: str = "") -> None:
    """Import the classes that a config names outside lab and torch, as a run would.

    Args:
        settings: the config, or a component in it.
        where: the keys that lead to it.
    """
    target = settings.get("_target_")
    if isinstance(target, str) and target.partition(".")[0] not in trust.ALWAYS:
        trust.load(target, None, where or "_target_")
    for key, value in settings.items():
        if isinstance(value, Mapping):
            check_own_classes(value, f"{where}.{key}" if where else key)


def refuse_other_kind(group: str, component: Mapping[str, Any], built: object, base: type) -> None:
    """Raise a UserError unless what was built is a `base`, where the study needs all it has."""
    if not isinstance(built, base):
        raise UserError(
            f"{group} {component['_target_']} is no {base.__module__}.{base.__name__}: "
            "its class must be derived from that one (docs/extending.md)"
        )


def _built(key: str, value: Any) -> Any:
    """An argument, with the components in it built."""
    if isinstance(value, dict):
        if "_target_" in value:
            return build(key, value)
        return {name: _built(f"{key}.{name}", inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_built(f"{key}.{index}", inner) for index, inner in enumerate(value)]
    return value


def check_arguments(
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
    if getattr(cls, "__module__", "").startswith("torch.optim."):
        # The `eps` of Adafactor is a pair.
        names = OF_TORCH.keys() & hints.keys()
        pairs = {key for key in names - {"betas"} if typing.get_origin(hints[key]) is tuple}
        hints |= {key: OF_TORCH[key] for key in names - pairs}
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
