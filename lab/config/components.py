"""Components a user may swap for their own: built from a `_target_` and its arguments.

The class's signature is the schema. A new cell, optimizer, network, loss or data set is a class
anywhere on the Python path and a YAML file in its group; no code of ours changes.
"""

from typing import Any

from lab.config.errors import UserError


def build(group: str, component: dict[str, Any], *args: object, **kwargs: object) -> Any:
    """Build what `component["_target_"]` names from its arguments and ours.

    Args:
        group: the config group, named in the message when something is wrong.
        component: `_target_` and the keyword arguments of the YAML file.
        args, kwargs: what the study adds, e.g. the parameters for an optimizer.

    Raises:
        UserError: there is no such class, or it refuses an argument.
    """
    from hydra.utils import instantiate

    given = ", ".join(f"{k}={v}" for k, v in component.items() if k != "_target_")
    try:
        return instantiate(component, _partial_=True, _convert_="all")(*args, **kwargs)
    except Exception as error:
        cause = error.__cause__ or error
        reason = str(cause).strip().splitlines()[0]
        raise UserError(f"{group} {component['_target_']}({given}): {reason}") from error
