"""The report as a notebook: its cells, run by a kernel of this very Python, and written.

Each experiment has a cell of words and a short cell that calls lab; a reader can change a line and
run it again.
"""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.config.errors import UserError
from lab.engine.files import write_text
from lab.report import front
from lab.report.claims import CLAIMS
from lab.report.plan import serving

if TYPE_CHECKING:
    from nbformat import NotebookNode

SECONDS_PER_CELL = 900
STUDIES = {
    "A": """# Memory

A palindrome of T digits; the network reads the first T-1 and must give the last.""",
    "B": """# Generation

A generator and a discriminator play the minimax game on MNIST. FID, precision and recall are those
of a **judge**, a small classifier of the same images, not Inception's: they compare only with
others of the same judge and the same number of images (n), and stand beside what real images
get.""",
}
METHODS = """# Methods

**Data.** Palindromes: distinct ones are drawn, 80 % are trained on, the rest held out, and up
to 10,000 more that are in neither set are tested on; *accuracy on new palindromes* is on these,
or on the held-out ones where none are left (T up to 8). At T=3 and 4 only 100 palindromes
exist. Images: MNIST, trained on the 60,000 training images; FID, precision and recall are
against the test images, and the discriminator's ranking is on test images it never saw.

**Spread.** Where there are several runs, a number is their mean with [least, greatest].

**Seeds** decide data, weights and order. A run with the same config, machine and thread count
gives the same numbers bit for bit.

Every network that was trained, with the shapes of its weights:"""


def cells(out_dir: Path) -> "list[NotebookNode]":
    """The notebook's cells, in order."""
    from nbformat.v4 import new_code_cell as code
    from nbformat.v4 import new_markdown_cell as words

    date = datetime.now(UTC).date().isoformat()
    listed = [
        words(
            f"# What the reports claim, and what holds\n\nMade on {date} by `python -m lab.report "
            f"{out_dir}` from the files of finished runs. Every verdict is computed by the "
            "rule that stands with it; change a line of this notebook and run it again."
        ),
        code(
            "from pathlib import Path\n\nfrom IPython.display import Markdown, display\n\nfrom "
            "lab.report import by_hand, front, generation, latent, memory, memory_flow, methods\n"
            "from lab.report.evidence import Results\nfrom lab.report.show import overview, "
            "picture, show, table\n\n"
            f"results = Results(Path({str(out_dir)!r}))\nfindings = front.judge_all(results)"
        ),
        code(
            "for sentence in front.sentences(results, findings):\n    display(Markdown(sentence))"
        ),
        code(
            "for name, drawn in front.figures(results, findings).items():\n    picture(results, "
            "name, drawn)"
        ),
        words("## Every claim with its verdict"),
        code("overview(list(findings.values()))"),
        code("display(Markdown(front.basis(results)))"),
    ]
    for name, claim in CLAIMS.items():
        if name in ("A1", "B1"):
            listed.append(words(STUDIES[name[0]]))
        commands = "\n".join(step.command(str(out_dir)) for step in serving(name))
        command = f"```\n{commands}\n```" if commands else "It needs no run."
        who = "seed" if "," not in claim.seeds and claim.seeds != "all" else "seeds"
        listed.append(
            words(
                f'<a id="{name}"></a>\n\n## {name}. {claim.text}\n\n*Claimed by {who} '
                f"{claim.seeds}.* Setting: {claim.setting}\n\n{command}"
            )
        )
        judge = front.JUDGES[name]
        listed.append(
            code(
                f"from {judge.__module__} import {judge.__name__}\n\nshow(results, "
                f"{judge.__name__}(results))"
            )
        )
    return [
        *listed,
        words("# Our own recipe\n\nSamples and walks of the longest run of plain `task=gan`."),
        code(
            "for name, drawn in front.own_pictures(results).items():\n    picture(results, name, "
            "drawn)"
        ),
        words(METHODS),
        code("table(methods.models(results))"),
        words("Optimizers and the sizes of batches:"),
        code("table(methods.optimizers(results))"),
        words("# Provenance"),
        code("table(methods.times(results))\ntable(methods.provenance(results))"),
        words(
            "# What has not been run\n\n`scripts/reproduce` runs all of it, `scripts/reproduce "
            "quick` a small version."
        ),
        code(
            "plan = front.plan_so_far(results)\ntable(plan[~plan.is_done].drop(columns='is_done'))"
        ),
        code("for line in results.unreadable:\n    print(line)"),
        words(
            "## Look for yourself\n\nAll finished runs are one table; `where` chooses from it by "
            "any key of the config."
        ),
        code(
            "some = results.where(task='lstm')\nsome.groupby(['label', "
            "'seq_len']).accuracy.agg(['count', 'mean']).tail(8).round(4) if len(some) else 'no "
            "runs of the memory study yet'"
        ),
    ]


def make(out_dir: Path) -> list[Path]:
    """Build, run and write the notebook and the page; gives their paths.

    Raises:
        UserError: the tools are not installed, or a cell failed.
    """
    try:
        import nbclient.exceptions
        import nbformat
        import nbformat.v4
    except ImportError as error:
        raise UserError(f"{error.name} is missing: pip install -e '.[report]'") from error
    from lab.report.page import page_of

    notebook = nbformat.v4.new_notebook(cells=cells(out_dir))
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
    notebook.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    try:
        run(notebook)
    except nbclient.exceptions.CellExecutionError as error:
        raise UserError(
            f"a cell of the report failed: {error.ename}: {error.evalue}\n{error.traceback}"
        ) from error
    folder = out_dir / "report"
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / "report.ipynb", folder / "report.html"]
    write_text(paths[0], nbformat.writes(notebook) + "\n")
    write_text(paths[1], page_of(notebook))
    return paths


def run(notebook: "NotebookNode") -> None:
    """Run all cells in place, with this Python and the code that is imported here.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed.
    """
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient

    root = str(Path(__file__).parents[2])

    class Specs(KernelSpecManager):
        """No kernel needs to be installed: the one kernel there is runs this interpreter."""

        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            paths = [root, os.environ.get("PYTHONPATH", "")]
            return KernelSpec(
                argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
                env={"PYTHONPATH": os.pathsep.join(filter(None, paths))},
                display_name="Python 3",
                language="python",
            )

    class Manager(AsyncKernelManager):
        """Speaks through files of this user, not through ports that others could listen to."""

        def __init__(self, **kwargs: Any) -> None:
            super().__init__(transport="ipc", kernel_spec_manager=Specs(), **kwargs)

    NotebookClient(
        notebook,
        kernel_manager_class=Manager,
        timeout=SECONDS_PER_CELL,
        resources={"metadata": {"path": os.getcwd()}},
    ).execute()
