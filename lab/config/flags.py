"""The flags of a training command, which are Hydra's: read to tell a mistake in one line.

Hydra's own parser answers one with its usage and exit code 2.
"""

import argparse
from collections.abc import Sequence
from typing import NoReturn

from lab.config.errors import UserError
from lab.config.wording import did_you_mean

ALONE = {
    "--help": "-h", "--hydra-help": "", "--version": "", "--resolve": "", "--run": "-r",
    "--multirun": "-m", "--shell-completion": "-sc",
}  # fmt: skip
WITH_VALUE = {
    "--cfg": "-c", "--package": "-p", "--config-path": "-cp", "--config-name": "-cn",
    "--config-dir": "-cd", "--experimental-rerun": "",
}  # fmt: skip


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; see lab --help")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The `overrides`, `config_dir` and `config_name` of a command line.

    Raises:
        UserError: a flag does not exist or lacks its value; the line says what to write.
    """
    parser = _Parser(add_help=False)
    for flag, short in ALONE.items():
        parser.add_argument(*filter(None, (flag, short)), action="store_true")
    for flag, short in WITH_VALUE.items():
        parser.add_argument(*filter(None, (flag, short)))
    parser.add_argument("--info", "-i", nargs="?", const="all")
    parser.add_argument("overrides", nargs="*")
    given, unknown = parser.parse_known_args(list(arguments))
    if unknown:
        raise UserError(_unknown(unknown[0], arguments))
    return given


def _unknown(word: str, arguments: Sequence[str]) -> str:
    if not word.startswith("-"):  # Hydra reads the keys in one piece
        return f"{word}: a flag separates it from other keys; write all flags first, then all keys"
    flag, equals, value = word.partition("=")
    key = flag.lstrip("-").replace("-", "_")
    behind = arguments[arguments.index(word) + 1 :]
    if not equals and behind and not behind[0].startswith("-") and "=" not in behind[0]:
        value = behind[0]
    if value:
        return f"{flag} is not a flag: write {key}={value}"
    near = did_you_mean(flag, [*ALONE, *WITH_VALUE])
    return f"{flag} is not a flag{near or f': keys are written {key}=value'}"
