"""The tools of `lab NAME …`: a table of them, and how one is started.

A tool is a module with two functions: `add_arguments(parser)` describes its arguments, and
`run(args)` does the work and prints what it has to say. Both raise a UserError for a mistake of the
user's. The module imports torch and Matplotlib only inside `run`.
"""

import argparse
import importlib
import re
import sys
import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from types import ModuleType
from typing import NoReturn

from lab.config.errors import UserError, say
from lab.config.trust import EVERYTHING, hide_current_folder, packages_named_in, trusting


@dataclass(frozen=True)
class Tool:
    """One of the tools.

    Args:
        module: with `add_arguments` and `run`.
        summary: what it does, in one line.
        example: a command line.
        draws: whether it draws with Matplotlib, which then has lab's own style.
    """

    module: str
    summary: str
    example: str
    draws: bool = False


TOOLS = {
    "runs": Tool(
        "lab.runs.list",
        "List the runs in a table.",
        "lab runs task=lstm seq_len=20 'val_accuracy<1' --sort seconds",
    ),
    "show": Tool(
        "lab.runs.show",
        "Show what is known of one run: status, results, figures, notes.",
        "lab show last",
    ),
    "compare": Tool(
        "lab.runs.compare",
        "Compare two or more runs: settings, results and curves.",
        "lab compare lstm-T20-s0-1a2b3c4d 5e6f --out both.png",
        draws=True,
    ),
    "summary": Tool(
        "lab.sweeps.summary",
        "Write a sweep's table and figures again.",
        "lab summary outputs/sweeps/seq-len-range-3-26-1a2b3c4d",
    ),
    "report": Tool(
        "lab.report.tool",
        "Write the report: every claim with its verdict.",
        "lab report --docs docs",
        draws=True,
    ),
    "play": Tool(
        "lab.play.tool",
        "Write a web page to try out a trained network.",
        "lab play last",
    ),
    "note": Tool(
        "lab.runs.note",
        "Add a line to a run's notes.",
        'lab note last "the loss rises again after step 4000"',
    ),
    "rm": Tool(
        "lab.runs.rm",
        "Remove runs with all of their files.",
        "lab rm 1a2b 5e6f",
    ),
    "check": Tool(
        "lab.cli.check",
        "Check a cell, generator, discriminator or loss of your own.",
        "lab check my_cell.MyLSTM --like torch.nn.LSTM",
    ),
    "predict": Tool(
        "lab.memory.tools.predict",
        "Show what a memory network answers after each digit of a palindrome.",
        "lab predict last 1234321",
    ),
    "flow": Tool(
        "lab.memory.tools.flow",
        "Draw how much of the loss's gradient reaches each time step.",
        "lab flow rnn-T20-s0 lstm-T20-s0 --seq-len 100",
        draws=True,
    ),
    "probe": Tool(
        "lab.memory.tools.probe",
        "Draw how well a linear map reads the first digit from the state after each step.",
        "lab probe last",
        draws=True,
    ),
    "horizon": Tool(
        "lab.memory.tools.horizon",
        "Find the largest length T at which a memory network's accuracy is 99.9 %.",
        "lab horizon last --n 1000 --longest 100000",
    ),
    "sample": Tool(
        "lab.generation.sample",
        "Draw images from a trained generator.",
        "lab sample last --n 10000 --seed 0",
        draws=True,
    ),
    "interpolate": Tool(
        "lab.generation.interpolate",
        "Draw interpolations and sums of latent vectors of a trained generator.",
        "lab interpolate last --from 3 --to 8 --seed 1",
        draws=True,
    ),
}


class Parser(argparse.ArgumentParser):
    """Raises a UserError where argparse would print its usage and exit."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message} ({self.prog} --help lists the arguments)")


def run_tool(name: str, arguments: Sequence[str]) -> int:
    """Start the tool `name` with the rest of the command line; return the exit code."""
    warnings.simplefilter("ignore")
    try:
        hide_current_folder()  # a run that somebody else made may lie there, with a torch.py too
        module = _module_of(name)
        args = _parser(name, module).parse_args(arguments)
        named = [word for folder in args.config_dir for word in packages_named_in(folder)]
        trusted = [EVERYTHING] if args.trust else [*args.trust_package, *named]
        with trusting(*trusted) if trusted else nullcontext(), _style_of(TOOLS[name]):
            module.run(args)
        sys.stdout.flush()
    except UserError as error:
        line, code = str(error), error.exit_code
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        line, code = f"{where}{error.strerror or error}", 1
    except KeyboardInterrupt as stop:
        line, code = "stopped", getattr(stop, "exit_code", 130)
    else:
        return 0
    say(line)
    return code


def _module_of(name: str) -> ModuleType:
    if name not in TOOLS:
        from lab.config.wording import did_you_mean

        near = did_you_mean(name, TOOLS) or "; a setting is written key=value, as in seq_len=20"
        raise UserError(f"{name} is not a tool; there are {', '.join(TOOLS)}{near}")
    try:
        return importlib.import_module(TOOLS[name].module)
    except ModuleNotFoundError as error:
        raise UserError(f"lab {name} needs {error.name}, which is not installed") from error


def _style_of(tool: Tool) -> AbstractContextManager[None]:
    if not tool.draws:
        return nullcontext()
    from lab.figures.style import own_style

    return own_style()


def completions(line: str) -> list[str]:
    """The words that may end a command line whose first word is a tool, or begins like one.

    Args:
        line: as the shell has it, from `lab` to the cursor.
    """
    words = line.split()[1:]
    last = "" if not words or line[-1].isspace() else words.pop()
    if not words:
        choices = list(TOOLS)
    elif words[0] not in TOOLS:
        return []
    else:
        parser = _parser(words[0], _module_of(words[0]))
        if last.startswith("-"):
            choices = re.findall(r"(?<=[ [])--[a-z-]+", parser.format_help())
        elif re.search(r"\bRUN\b", parser.format_usage()):
            from lab.runs.finding import LAST, find_runs

            flag = words.index("--out-dir") if "--out-dir" in words[:-1] else None
            out_dir = parser.get_default("out_dir") if flag is None else words[flag + 1]
            choices = [LAST, *(run.path.name for run in find_runs(out_dir))]
        else:
            choices = []
    return [word for word in dict.fromkeys(choices) if word.startswith(last)]


def _parser(name: str, module: ModuleType) -> Parser:
    parser = Parser(
        prog=f"lab {name}",
        description=TOOLS[name].summary,
        epilog=f"example: {TOOLS[name].example}",
        allow_abbrev=False,
    )
    module.add_arguments(parser)
    parser.add_argument(
        "--trust", action="store_true",
        help="allow a run's config to name any code, which is then executed",
    )  # fmt: skip
    parser.add_argument(
        "--trust-package", metavar="NAME", action="append", default=[],
        help="allow a run's config to name classes of this package; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--config-dir", metavar="DIR", action="append", default=[],
        help="your folder of YAML files, such as cells and claims: a run's config may name "
        "classes of the packages in it",
    )  # fmt: skip
    return parser


def table() -> str:
    """A line for each tool, for `lab --help`."""
    return "\n".join(f"  {name:12} {tool.summary}" for name, tool in TOOLS.items())
