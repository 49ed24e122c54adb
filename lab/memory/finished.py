"""Open a finished run of the memory study."""

from lab.config.errors import UserError
from lab.config.trust import is_trusted
from lab.engine.run_folder import RunFolder
from lab.memory.config import MemoryConfig
from lab.memory.layers import is_recurrent
from lab.memory.network import Network, build_sequence, load_network
from lab.runs.opening import finished_config


def open_run(folder: RunFolder) -> tuple[Network, MemoryConfig]:
    """Return the trained network, on the CPU, and the config of a finished run.

    Raises:
        UserError: the folder is not a run of the memory study, or the run is not finished.
    """
    config = finished_config(folder, MemoryConfig, "memory")
    return load_network(config, folder.load_weights()), config


def open_palindromes(folder: RunFolder, *, recurrent: bool = False) -> tuple[Network, MemoryConfig]:
    """Open a run as `open_run` does, for a tool that works only with palindromes.

    Args:
        folder: the folder of a finished run.
        recurrent: whether the tool also needs a cell that carries a state.

    Raises:
        UserError: as `open_run`; also if the sequence or the cell does not fit the tool.
    """
    config = finished_config(folder, MemoryConfig, "memory")
    # A sequence that is not trusted is not built: to trust it would be to no avail.
    if not is_trusted(config.sequence["_target_"]) or not build_sequence(config).holds_first:
        raise UserError(
            f"{folder.path}: a run of sequence={config.sequence_name}, but this tool needs a run "
            "of sequence=palindrome"
        )
    network = load_network(config, folder.load_weights())
    if recurrent and not is_recurrent(network.cell):
        raise UserError(
            f"{folder.path}: this tool shows the state from step to step, but the cell "
            f"{config.cell['_target_']} has none"
        )
    return network, config
