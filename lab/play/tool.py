"""`lab play RUN [RUN]`: write the page of a trained network."""

import argparse
import html
import json
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab.by_hand.config import OneLayerConfig
from lab.config.base import RunConfig
from lab.config.errors import UserError, say
from lab.engine import study
from lab.engine.files import write_text
from lab.engine.run_folder import RunFolder
from lab.generation.config import GanConfig
from lab.memory.config import MemoryConfig, in_words
from lab.runs.arguments import add_runs, chosen_runs
from lab.runs.finding import finished_config

WEB = Path(__file__).parent / "web"
SHARED = ("base.js", "algebra.js", "colours.js", "draw.js", "controls.js", "selftest.js")
SCRIPTS = {
    "memory": ("cells.js", "gradients.js", "memory_run.js", "memory_input.js", "memory.js"),
    "state": ("cells.js", "state.js"),
    "generation": ("layers.js", "latent.js", "frames.js", "generation_tools.js", "generation.js"),
    "by_hand": ("frames.js", "by_hand.js"),
}
LARGE = 6_000_000
READ_WITH_A_VOWEL = "AEFHILMNORSXaeio"  # an LSTM, an RNN, a GRU


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `lab play`."""
    add_runs(parser)
    parser.add_argument(
        "--out", metavar="FILE", type=Path, help="the file to write (default: RUN/play.html)"
    )
    parser.add_argument("--open", action="store_true", help="show the page in the browser")


def run(args: argparse.Namespace) -> None:
    """Write the page and say where it is."""
    path = write_page(chosen_runs(args), args.out)
    print(path)
    size = path.stat().st_size
    if size > LARGE:
        say(f"the page has {size / 1e6:.1f} MB, because the network has many weights")
    if args.open:
        webbrowser.open(path.resolve().as_uri())
    else:
        say("open this file in a browser; --open does it")


def write_page(folders: Sequence[RunFolder], out: Path | None = None) -> Path:
    """Write the page of a run, or of two memory runs side by side, and return its path.

    Args:
        folders: the folders of one or two finished runs.
        out: the file; None: a file in the folder of the first run.
    """
    if len(folders) > 2:
        raise UserError(f"{len(folders)} runs are given, and a page shows one or two")
    configs = [finished_config(folder, RunConfig, "any") for folder in folders]
    if len(folders) == 2 and not all(isinstance(config, MemoryConfig) for config in configs):
        raise UserError("a page shows two runs only if both belong to the memory study, task=lstm")
    kinds, data = zip(*map(_data, folders, configs), strict=True)
    tasks = [part.get("task") for part in data]
    if len(set(kinds)) > 1 or tasks[0] != tasks[-1]:
        raise UserError("a page shows two runs only if both read the same kind of sequence")
    text = page(kinds[0], _title(configs), list(data))
    path = out or folders[0].path / _file_name(folders)
    try:
        if out is None:
            folders[0].save_page(path.name, text)
        else:
            write_text(path, text)
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror})") from error
    return path


def page(kind: str, title: str, runs: list[dict[str, Any]]) -> str:
    """Return the HTML of a page.

    Args:
        kind: memory, state, generation or by_hand.
        title: the title of the page.
        runs: the data of each run, from the module with the name of the kind; state is in memory.
    """
    data = json.dumps({"kind": kind, "title": title, "runs": runs}, allow_nan=False)
    script = "\n".join(
        (WEB / name).read_text(encoding="utf-8") for name in (*SHARED, *SCRIPTS[kind], "start.js")
    )
    parts = {
        "title": html.escape(title),
        "style": (WEB / "page.css").read_text(encoding="utf-8"),
        # "<" in the data could end the script element.
        "data": data.replace("<", "\\u003c"),
        "script": script,
    }
    template = (WEB / "page.html").read_text(encoding="utf-8")
    before, *pieces = template.split("{{")
    filled = [before]
    for piece in pieces:
        name, _, after = piece.partition("}}")
        filled += [parts[name], after]
    return "".join(filled)


def _title(configs: Sequence[RunConfig]) -> str:
    """What the page shows, for somebody who knows no run's name."""
    first = configs[0]
    if isinstance(first, GanConfig | OneLayerConfig):
        kind = "A GAN" if isinstance(first, GanConfig) else "GANs without autograd"
        return f"{kind}, trained on {first.data['name']}"
    if not isinstance(first, MemoryConfig):
        return first.readable_name
    memories = [config for config in configs if isinstance(config, MemoryConfig)]
    lengths = {config.seq_len for config in memories}
    of_each = "" if len(lengths) == 1 else " (T={:,})"
    cells = [in_words(config.label).partition(", ")[0] for config in memories]
    networks = " beside ".join(
        f"{'an' if cell[0] in READ_WITH_A_VOWEL else 'a'} {cell}{of_each.format(config.seq_len)}"
        for cell, config in zip(cells, memories, strict=True)
    )
    networks = networks[0].upper() + networks[1:]
    if not first.is_palindrome:
        name = first.sequence_name.replace("_", " ")
        return f"{networks}, trained on {name}" + ("" if of_each else f" at T={first.seq_len:,}")
    of_how_many = "" if of_each else f" of {first.seq_len:,}"
    return f"{networks}, trained to remember the first digit{of_how_many}"


def _file_name(folders: Sequence[RunFolder]) -> str:
    return "-".join(["play", *(folder.path.resolve().name for folder in folders[1:])]) + ".html"


def _data(folder: RunFolder, config: RunConfig) -> tuple[str, dict[str, Any]]:
    """Return the kind of page, and the data of the run."""
    if not folder.model_file.exists():
        raise UserError(f"{folder.path}: {folder.model_file.name} is missing, so it has no weights")
    try:
        if isinstance(config, MemoryConfig):
            from lab.play.memory import memory_run

            return memory_run(folder, config)
        if isinstance(config, GanConfig):
            from lab.play.generation import generation_run

            return "generation", generation_run(folder, config)
        if isinstance(config, OneLayerConfig):
            from lab.play.by_hand import by_hand_run

            return "by_hand", by_hand_run(folder, config)
    except ValueError as error:
        raise UserError(f"{folder.path}: {error}") from error
    from lab.play.recorded import recorded

    reason = f"The page has no equations for task={config.task}. These are the figures of the run."
    about = study.headline(config, folder.result or {})
    return "generation", {
        "name": folder.path.name, "about": about, **recorded(folder, reason)
    }  # fmt: skip
