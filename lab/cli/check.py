"""Check a part of your own before it is trained: `lab check PART [KEY=VALUE ...]`."""

import argparse
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import yaml

from lab.config.errors import UserError
from lab.config.trust import EVERYTHING, see_current_folder, trusting

if TYPE_CHECKING:
    from lab.engine.checks import Check

GROUPS = ("cell", "generator", "discriminator", "loss")
TASKS = {"cell": "lstm"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "part", metavar="PART",
        help="a cell: the name of its YAML file, or module.Class; GROUP=PART is one of another "
        f"group: {', '.join(GROUPS[1:])}",
    )  # fmt: skip
    parser.add_argument("arguments", metavar="KEY=VALUE", nargs="*", help="its arguments")
    parser.add_argument(
        "--like", metavar="REFERENCE",
        help="a cell with parameters of the same names, such as torch.nn.LSTM or lstm, to which "
        "it must be equal",
    )  # fmt: skip


def run(args: argparse.Namespace) -> None:
    from lab.engine import checks

    group, _, name = args.part.rpartition("=")
    group = group or "cell"
    if group not in GROUPS:
        raise UserError(f"{args.part}: expected one of the groups {', '.join(GROUPS)}")
    see_current_folder()
    with trusting(EVERYTHING):  # the user's own command
        component = _component(group, name, args.arguments, args.config_dir)
        try:
            checklist = _checks(group, component, args)
        except checks.Unexpected as problem:
            raise UserError(f"{name}: {problem}") from problem
        shown, failed = checks.lines(checklist)
    print(f"{group} {component['_target_']}")
    print("\n".join(shown))
    if failed:
        raise UserError(f"{failed} of {len(shown)} checks failed")
    print(f"all {len(shown)} checks passed")


def _checks(group: str, component: dict[str, Any], args: argparse.Namespace) -> "Sequence[Check]":
    from lab.config.components import build

    if group == "cell":
        from lab.memory import check as memory

        like = None
        if args.like:
            reference = _component("cell", args.like, [], args.config_dir)
            like = partial(build, "cell", reference)
        return memory.checks(partial(build, "cell", component), component["_target_"], like)
    if args.like:
        raise UserError("--like compares cells")
    from lab.generation import check as generation
    from lab.images.published import MNIST

    if group == "loss":
        return generation.loss(build("loss", component, base=object))
    network = build(group, component, image_shape=MNIST.image_shape)
    check = generation.generator if group == "generator" else generation.discriminator
    return check(network, MNIST.image_shape)


def _component(
    group: str, name: str, arguments: Sequence[str], config_dirs: Sequence[str]
) -> dict[str, Any]:
    """The `_target_` and the arguments of a part, from its YAML file or its class."""
    given = dict(argument.partition("=")[::2] for argument in arguments)
    if "." in name:
        values = {key: yaml.safe_load(value) for key, value in given.items()}
        return {"_target_": name, **values}
    from lab.cli.composing import compose_config

    task = TASKS.get(group, "gan")
    overrides = [f"task={task}", f"{group}={name}", *(f"{group}.{a}" for a in arguments)]
    config = compose_config(*overrides, config_dir=next(iter(config_dirs), None))
    component: dict[str, Any] = getattr(config, group)
    return component
