"""Components a user may swap for their own: built from a `_target_` and its arguments.

A new cell, optimizer, network, loss or data set is a class anywhere on the Python path and a YAML
file in its group; no code of ours changes. The class's signature is the schema: its annotations say
what an argument may be. An argument may be a component too, a mapping with a `_target_` of its own.
"""

from collections.abc import Callable, Mapping
from typing import Any

from lab.config import signature, trust
from lab.config.errors import UserError, reason, users_line
from lab.config.wording import shown


def build(
    group: str,
    component: dict[str, Any],
    *args: object,
    base: type | None = None,
    adapt: Callable[[type], type] | None = None,
    **kwargs: object,
) -> Any:
    """Build what `component["_target_"]` names from its arguments and ours.

    Args:
        group: the config group, named in the message when something is wrong.
        component: `_target_` and the keyword arguments of the YAML file.
        args, kwargs: what the study adds, e.g. the parameters for an optimizer.
        base: the class that components of this kind are derived from, `torch.nn.Module` if none is
            given. Only a run that is opened again is held to it; see `lab.config.trust`.
        adapt: gives the class to build in place of the one named, with the same arguments.

    Raises:
        UserError: there is no such class, it is not trusted, or it refuses an argument.
    """
    cls = trust.load(component["_target_"], base, group)
    given = {key: value for key, value in component.items() if key != "_target_"}
    built = {key: _built(f"{group}.{key}", value) for key, value in given.items()}
    signature.check(group, cls, built, len(args), kwargs)
    if adapt is not None:
        cls = adapt(cls)
    try:
        return cls(*args, **built, **kwargs)
    except UserError:
        raise
    except Exception as error:
        line = signature.refused_by(error, group, given)
        line = line or signature.refused_by_a_base(error, group, cls, given)
        if line is None:
            arguments = ", ".join(f"{key}={shown(value)}" for key, value in given.items())
            # A ValueError of lab's own or of a library says in words what is wrong.
            plain = type(error) is ValueError and str(error) and not users_line(error)
            why = str(error).splitlines()[-1] if plain else reason(error)
            line = f"{group} {component['_target_']}({arguments}): {why}"
        raise UserError(line) from error


def check_own_classes(settings: Mapping[str, Any], where: str = "") -> None:
    """Import the classes that a config names outside lab and torch, as a run would.

    Args:
        settings: the config, or a component in it.
        where: the keys that lead to it.

    Raises:
        UserError: there is no such class, or its package is not installed.
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
    """An argument, with the components in it built: modules, where it matters."""
    if isinstance(value, dict):
        if "_target_" in value:
            return build(key, value)
        return {name: _built(f"{key}.{name}", inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_built(f"{key}.{index}", inner) for index, inner in enumerate(value)]
    return value
