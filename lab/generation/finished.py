"""A finished run of the generation study, opened again."""

from pathlib import Path

from torch import nn

from lab.config.components import build
from lab.config.errors import UserError
from lab.config.reading import from_file
from lab.engine.run_folder import RunFolder
from lab.generation.config import GanConfig


def open_run(path: Path) -> tuple[RunFolder, GanConfig, nn.Module]:
    """The folder, the config and the generator that is sampled from, in evaluation mode.

    Raises:
        UserError: the folder is no run of the generation study, or the run is not finished.
    """
    folder = RunFolder(path)
    config = from_file(folder.config_file)
    if not isinstance(config, GanConfig):
        raise UserError(f"{path}: a run of task={config.task}, not of the generation study")
    if folder.result is None:
        raise UserError(f"{path}: not finished; the same lab command goes on with it")
    generator: nn.Module = build("generator", config.generator)
    generator.load_state_dict(folder.load_weights())
    return folder, config, generator.eval()


def words_and_numbers(words: list[str], defaults: dict[str, str]) -> dict[str, str]:
    """`key=value` words of a command line over their defaults.

    Raises:
        UserError: a word is none of the keys.
    """
    given = dict(defaults)
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or key not in defaults:
            expected = ", ".join(f"{k}={v}" for k, v in defaults.items())
            raise UserError(f"{word}: expected {expected}")
        given[key] = value
    return given


def whole_number(key: str, text: str, least: int) -> int:
    """The number that `key=text` gives.

    Raises:
        UserError: it is none, or less than `least`.
    """
    if not text.isascii() or not text.isdigit() or int(text) < least:
        raise UserError(f"{key}={text}: expected a whole number of at least {least}")
    return int(text)
