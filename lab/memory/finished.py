"""A finished run of the memory study, opened again, and the words of a command that does so."""

from pathlib import Path

from lab.config.errors import UserError
from lab.config.reading import from_file
from lab.engine.run_folder import RunFolder
from lab.memory.config import MemoryConfig
from lab.memory.network import Network, build_network


def load_network(folder: RunFolder) -> tuple[Network, MemoryConfig]:
    """The trained network of a finished run of the memory study.

    Raises:
        UserError: the folder is no such run, or the run is not finished.
    """
    config = from_file(folder.config_file)
    if not isinstance(config, MemoryConfig):
        raise UserError(f"{folder.path}: a run of task={config.task}, not of the memory study")
    if folder.result is None:
        raise UserError(f"{folder.path}: not finished; the same lab command goes on with it")
    network = build_network(config)
    network.load_equation_weights(folder.load_weights())
    return network.eval(), config


def runs_and_numbers(
    words: list[str], defaults: dict[str, int]
) -> tuple[list[RunFolder], dict[str, int]]:
    """The run folders of a command line, and its `key=number` words over their defaults.

    Raises:
        UserError: there is no run, an unknown key, or a value that is no whole number above 0.
    """
    folders, numbers = [], dict(defaults)
    for word in words:
        key, equals, value = word.partition("=")
        # A path may hold a "=" too, but then it is a folder.
        if not equals or Path(word).is_dir():
            folders.append(RunFolder(Path(word)))
        elif key not in defaults:
            expected = ", ".join(f"{k}={v}" for k, v in defaults.items())
            raise UserError(f"{word}: expected {expected or 'a run'}")
        elif not (value.isascii() and value.isdigit() and int(value) > 0):
            raise UserError(f"{word}: expected a whole number above 0")
        else:
            numbers[key] = int(value)
    if not folders:
        raise UserError("which run? give its folder, outputs/runs/NAME")
    return folders, numbers
