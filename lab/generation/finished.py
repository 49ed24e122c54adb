"""A finished run of the generation study, opened again."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from lab.config.errors import UserError
from lab.engine.opening import finished_config
from lab.engine.run_folder import RunFolder
from lab.generation.conditional import build_player
from lab.generation.config import GanConfig
from lab.images.published import SIDE


def open_run(folder: RunFolder) -> tuple[nn.Module, GanConfig]:
    """The generator that is sampled from and the config of a finished run.

    Raises:
        UserError: the folder is no run of the generation study, or the run is not finished.
    """
    config = finished_config(folder, GanConfig, "generation")
    result = folder.result or {}
    return load_generator(config.generator, folder.load_weights(), result), config


def class_names(folder: RunFolder) -> tuple[str, ...]:
    """The classes that a finished run can be asked for; none if it is not conditional."""
    return tuple((folder.result or {}).get("class_names", ()))


def load_generator(
    component: dict[str, Any], weights: dict[str, Tensor], result: Mapping[str, Any]
) -> nn.Module:
    """The generator of a finished run, in evaluation mode on the CPU.

    Args:
        component: the config's `generator`.
        weights: of the run's model.safetensors.
        result: of the run; runs from before it named the images' shape had MNIST's. That of a
            conditional run names the classes.

    Raises:
        UserError: the class refuses its arguments, or the weights are of another network.
    """
    channels, height, width = result.get("image_shape", (1, SIDE, SIDE))
    shape = channels, height, width
    classes = len(result.get("class_names", ()))
    generator = build_player("generator", component, shape, classes)
    try:
        generator.load_state_dict(weights)
    except RuntimeError as error:  # names or shapes differ
        raise UserError(f"the weights do not fit {component['_target_']}") from error
    return generator.eval()
