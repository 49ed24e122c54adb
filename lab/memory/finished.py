"""A finished run of the memory study, opened again."""

from lab.engine.opening import finished_config
from lab.engine.run_folder import RunFolder
from lab.memory.config import MemoryConfig
from lab.memory.network import Network, load_network


def open_run(folder: RunFolder) -> tuple[Network, MemoryConfig]:
    """The trained network and the config of a finished run of the memory study.

    Raises:
        UserError: the folder is no such run, or the run is not finished.
    """
    config = finished_config(folder, MemoryConfig, "memory")
    return load_network(config, folder.load_weights()), config
