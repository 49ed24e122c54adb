"""A finished run of the generation study, opened again."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from lab.config.components import build
from lab.config.errors import UserError
from lab.engine.opening import finished_config
from lab.engine.run_folder import RunFolder
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


def load_generator(
    component: dict[str, Any], weights: dict[str, Tensor], result: Mapping[str, Any]
) -> nn.Module:
    """The generator of a finished run, in evaluation mode on the CPU.

    Args:
        component: the config's `generator`.
        weights: of the run's model.safetensors.
        result: of the run; runs from before it named the images' shape had MNIST's.

    Raises:
        UserError: the class refuses its arguments, or the weights are of another network.
    """
    channels, height, width = result.get("image_shape", (1, SIDE, SIDE))
    shape = channels, height, width
    generator: nn.Module = build("generator", component, image_shape=shape)
    try:
        generator.load_state_dict(weights)
    except RuntimeError as error:  # names or shapes differ
        raise UserError(f"the weights do not fit {component['_target_']}") from error
    return generator.eval()
