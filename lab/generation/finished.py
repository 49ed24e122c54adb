"""Open a finished run of the generation study."""

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
    """Return the trained generator, on the CPU, and the config of a finished run.

    Raises:
        UserError: the folder is not a run of the generation study, or the run is not finished.
    """
    config = finished_config(folder, GanConfig, "generation")
    result = folder.result or {}
    return load_generator(config.generator, folder.load_weights(), result), config


def class_names(folder: RunFolder) -> tuple[str, ...]:
    """The names of the classes that a finished run can be asked for; none if not conditional."""
    return tuple((folder.result or {}).get("class_names", ()))


def load_generator(
    component: dict[str, Any], weights: dict[str, Tensor], result: Mapping[str, Any]
) -> nn.Module:
    """Build the generator of a finished run, in evaluation mode on the CPU.

    Args:
        component: the config's `generator`.
        weights: the tensors of the run's model.safetensors, by name.
        result: the run's result, which gives the shape of the images and the classes. Early
            versions wrote no shape; their images were MNIST's.

    Raises:
        UserError: the class refuses its arguments, or the weights belong to another network.
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
