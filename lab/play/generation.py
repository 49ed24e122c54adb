"""The data of a generation run's page: networks, directions, frames, and a self-test."""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from lab.config.errors import UserError
from lab.engine.process import random_stream
from lab.engine.provenance import check_classifier
from lab.engine.run_folder import RunFolder
from lab.generation.config import GanConfig
from lab.generation.players import open_run
from lab.images.classifier import load_classifier
from lab.images.datasets import load
from lab.play.recorded import of_training, of_unknown, recorded
from lab.play.tensors import (
    UnknownLayer,
    chain,
    fits_in_32_bits,
    largest_difference,
    main_directions,
    numbers,
    packed,
    rounded,
)

# Only these are built, never a class from elsewhere that a config names.
GENERATORS = ("lab.generation.networks.MLPGenerator", "lab.generation.networks.ConvGenerator")
DIRECTIONS = 6
TESTED = 3


def generation_run(folder: RunFolder, config: GanConfig) -> dict[str, Any]:
    """Return the data of one run for its page."""
    result = folder.result or {}
    about = {
        "name": folder.path.name,
        "label": config.title,
        "data": config.data["name"],
        "steps": result.get("steps"),
        "fid": result.get("quality", {}).get("fid"),
    }
    target = str(config.generator["_target_"])
    if target not in GENERATORS:
        return {**about, **of_unknown(folder, f"generator {target}")}
    if config.conditional:
        reason = "The page cannot ask a conditional generator for a class."
        return {**about, **recorded(folder, reason)}
    network, _ = open_run(folder)
    latent = network.latent
    assert isinstance(latent, int)
    z = torch.randn(TESTED, latent, generator=random_stream(config.seed, "page"))
    coarse, images, cost = _as_in_the_page(network, z)
    try:
        layers = _layers(coarse, z, images)
    except UnknownLayer as error:
        reason = f"The page has no equations for the layer {error} of this generator."
        return {**about, **recorded(folder, reason)}
    first = next(layer for layer in coarse.modules() if isinstance(layer, nn.Linear))
    return {
        **about,
        "latent": latent,
        "shape": list(images.shape[1:]),
        "layers": layers,
        "bits": 32 if fits_in_32_bits(network.state_dict().values()) else 16,
        "cost": cost,
        "directions": packed(main_directions(first.weight, DIRECTIONS).half()),
        "classifier": _classifier(folder, config, images),
        "frames": of_training(folder, images.shape[1]),
        "selftest": {"z": numbers(z), "images": numbers(images.flatten(1))},
    }


def _layers(network: nn.Module, z: Tensor, images: Tensor) -> list[dict[str, Any]]:
    """Return the layers of a generator, given z and the images that it makes of z.

    Raises:
        UnknownLayer: the page's script cannot compute a layer.
    """
    sequential = _sequential(network, "layers")
    layers = chain(sequential)
    with torch.no_grad():
        output = sequential(z)
    if output.numel() > images.numel():  # the network cuts at the right and at the bottom
        layers.append({"kind": "crop", "shape": list(images.shape[1:])})
    return layers


def _sequential(network: nn.Module, name: str) -> nn.Sequential:
    layers = network.get_submodule(name)
    assert isinstance(layers, nn.Sequential)
    return layers


@torch.no_grad()
def _as_in_the_page(network: nn.Module, x: Tensor) -> tuple[nn.Module, Tensor, float]:
    """Return the network with the page's weights, its output for x, and the largest difference
    from the output with the run's weights."""
    coarse = copy.deepcopy(network).eval()
    state = network.state_dict()
    coarse.load_state_dict({**state, **rounded(state)})
    output, exact = coarse(x), network(x)
    if isinstance(output, tuple):  # the classifier's logits and features
        output, exact = output[0], exact[0]
    return coarse, output, largest_difference(output, exact)


def _classifier(folder: RunFolder, config: GanConfig, images: Tensor) -> dict[str, Any]:
    """Return the classifier of the run's data, or the reason why the page has none."""
    try:
        data = load(config.data)
        check_classifier(folder, data.checksum)
        if data.channels_of:
            return {"missing": "the page has no classifier for images with several channels"}
        classifier = load_classifier(data.train, data.test)
        coarse, logits, cost = _as_in_the_page(classifier, images)
        layers = chain(_sequential(coarse, "body")) + chain(
            nn.Sequential(coarse.get_submodule("head"))
        )
    except UserError as error:
        return {"missing": str(error)}
    except UnknownLayer as error:
        return {"missing": f"the page has no equations for its layer {error}"}
    return {
        "classes": list(classifier.classes),
        "accuracy": float(classifier.test_accuracy),
        "layers": layers,
        "cost": cost,
        "selftest": numbers(logits),
    }
