"""A finished run of the memory study, opened again."""

from lab.config.errors import UserError
from lab.engine.opening import finished_config
from lab.engine.run_folder import RunFolder
from lab.memory.config import MemoryConfig
from lab.memory.layers import is_recurrent
from lab.memory.network import Network, build_sequence, load_network


def open_run(folder: RunFolder) -> tuple[Network, MemoryConfig]:
    """The trained network and the config of a finished run of the memory study.

    Raises:
        UserError: the folder is no such run, or the run is not finished.
    """
    config = finished_config(folder, MemoryConfig, "memory")
    return load_network(config, folder.load_weights()), config


def open_palindromes(folder: RunFolder, *, recurrent: bool = False) -> tuple[Network, MemoryConfig]:
    """As `open_run`, for what makes sense for palindromes alone.

    Args:
        folder: of a finished run.
        recurrent: whether it must be possible to read step by step, too.

    Raises:
        UserError: the folder is no such run, or the run is not finished.
    """
    network, config = open_run(folder)
    if not build_sequence(config).holds_first:
        raise UserError(
            f"{folder.path}: a run of sequence={config.sequence_name}, but this tool looks for the "
            "first digit of a palindrome"
        )
    if recurrent and not is_recurrent(network.cell):
        raise UserError(
            f"{folder.path}: its cell {config.cell['_target_']} carries no state from step to "
            "step, so there is none to look at"
        )
    return network, config
