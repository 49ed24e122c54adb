"""Open a finished run of the generation study."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from lab.config.errors import UserError
from lab.engine import study
from lab.engine.run_folder import RunFolder
from lab.generation.conditional import build_player
from lab.images.config import ImageConfig
from lab.images.published import SIDE
from lab.runs.opening import finished_config


def open_run(folder: RunFolder) -> tuple[nn.Module, ImageConfig]:
    """Return the trained generator, on the CPU, and the config of a finished run.

    The run may be of another study, whose `load_network` returns a generator as
    `lab.generation.networks` describes it.

    Raises:
        UserError: the study has no generator, or the run is not finished.
    """
    config = finished_config(folder, ImageConfig, "generation")
    generator = study.load_network(config, folder.load_weights(), folder.result or {})
    if not isinstance(getattr(generator, "latent", None), int):
        raise UserError(f"{folder.path}: the networks of task={config.task} take no z")
    return generator, config


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
