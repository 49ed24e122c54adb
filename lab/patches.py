"""Everything in lab that reaches into the internals of other libraries; nothing else does.

Each function says why and what it gains, in seconds of one core (Hydra 1.3.8, torch 2.14, Python
3.11). What gains less than half a second for a command, and can be done by public means, is not
here. `tests/test_patches.py` fails where a library has changed under a function.
"""

import inspect
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

PLUGINS = "hydra._internal.core_plugins.lab"
"""Where Hydra believes lab's plugins to be.

It takes plugins from two packages alone, and `hydra_plugins` is there only if one is installed.
"""


def register_plugins(*classes: Any) -> None:
    """Make launchers and sweepers of one module known to Hydra, as if they were its own.

    A package `hydra_plugins` of ours would be public, but every program with Hydra in the same
    environment would import it. With the launcher a sweep of 23 runs takes 26.5 s instead of 44.5.
    """
    from hydra.core.plugins import Plugins

    sys.modules[PLUGINS] = sys.modules[classes[0].__module__]
    for cls in classes:
        cls.__module__ = PLUGINS
        Plugins.instance().register(cls)


def share_config_store() -> None:
    """Keep Hydra from copying its store of configs; `--help` and a sweep gain 0.9 s.

    Hydra copies the store for each job of a sweep and 128 times for `--help`. Nothing changes the
    store, and what it returns is copied anyway.
    """
    from hydra.core.config_store import ConfigStore

    ConfigStore.__deepcopy__ = lambda store, memo: store  # type: ignore[attr-defined]


def prefer_own_yaml() -> None:
    """Let the YAML files in conf/hydra take the place of the plugins' own configs.

    Hydra refuses a YAML file beside a plugin's config of the same name that has a defaults list. Of
    one that has none it warns. No public function removes a config.
    """
    from hydra.core.config_store import ConfigStore
    from hydra.core.plugins import Plugins

    Plugins.instance()  # imports the plugins, which store their configs
    stored = ConfigStore.instance().repo["hydra"]
    sweepers = stored["sweeper"]
    stored["launcher"].pop("joblib.yaml", None)
    sweepers.pop("optuna.yaml", None)
    for sampler in ("tpe", "random", "grid"):
        sweepers.get("sampler", {}).pop(f"{sampler}.yaml", None)


def add_config_dir(loader: Any, folder: str) -> None:
    """Do what `--config-dir` does, for a Hydra application that has no command line.

    `hydra.searchpath` is public, but it would change the command of a run and the name of a sweep.

    Args:
        loader: the application's `config_loader`.
        folder: where the user's YAML files lie.
    """
    from hydra.core.config_search_path import SearchPathQuery

    path = loader.get_search_path()
    path.prepend("command-line", f"file://{folder}", SearchPathQuery(provider="schema"))
    loader.repository.initialize_sources(path)


# torch wraps these methods of an optimizer for torch.compile.
WRAPPED = ("add_param_group", "zero_grad", "state_dict", "load_state_dict", "step")


def unwrap_compile_hooks(cls: Any) -> Any:
    """Return the same optimizer class with torch's methods unwrapped; a run gains 1.6 s.

    The wrappers import torch's compiler, which a run does not use.

    Args:
        cls: a class of torch or one derived from it, whose own methods are kept. Anything else,
            such as a function that builds an optimizer, is returned unchanged.
    """
    from torch.optim import Optimizer

    if not (isinstance(cls, type) and issubclass(cls, Optimizer)):
        return cls
    own = {
        name: inspect.unwrap(getattr(cls, name))
        for name in WRAPPED
        if getattr(cls, name).__module__.startswith("torch.optim.")
    }
    if "step" in own:
        own["step"] = _without_gradient(own["step"])
    return type(cls.__name__, (cls,), {"__module__": cls.__module__, **own})


def _without_gradient(step: Callable[..., Any]) -> Callable[..., Any]:
    import torch

    def without_gradient(
        self: "torch.optim.Optimizer", closure: Callable[[], float] | None = None
    ) -> Any:
        with torch.set_grad_enabled(self.defaults.get("differentiable", False)):
            return step(self, closure)

    return without_gradient


@contextmanager
def no_main_module() -> Iterator[None]:
    """Keep multiprocessing from importing the host's script in a new process.

    The script would start there again. Only `if __name__ == "__main__":` in the script prevents
    that by public means, and a user's script need not have it.
    """
    own = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = own


def end_at_once(exit_codes: list[int]) -> None:
    """End the process without taking torch apart; a run gains 1.2 s.

    Args:
        exit_codes: the exit code; empty if the process ends by an exception.
    """
    if not exit_codes:
        return
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):  # nobody reads any more: Python ends as it always does
        return
    os._exit(exit_codes[0])
