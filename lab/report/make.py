"""Run a notebook of `notebooks/`, and write it and an HTML page that needs no network."""

import asyncio
import os
import secrets
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.config.errors import UserError
from lab.engine.files import write_text
from lab.engine.interrupts import STOPS, Interrupted

if TYPE_CHECKING:
    from nbformat import NotebookNode

NOTEBOOKS = Path(__file__).parent / "notebooks"
SECONDS_PER_CELL = 900


def make(name: str, title: str, folder: Path, **parameters: Any) -> list[Path]:
    """Execute `notebooks/<name>.py` with these parameters; return the paths of notebook and page.

    Raises:
        UserError: the libraries are not installed, or a cell failed.
        Interrupted: a signal came; nothing is written.
    """
    try:
        import jupytext
        import nbclient.exceptions
        import nbformat
    except ImportError as error:
        raise UserError(f"{error.name} is missing: pip install 'lab[report]'") from error
    notebook = jupytext.read(NOTEBOOKS / f"{name}.py")
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
        if "parameters" in cell.metadata.get("tags", ()):
            cell.source = "\n".join(f"{key} = {value!r}" for key, value in parameters.items())
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3",
                                       "language": "python"}  # fmt: skip
    try:
        _run(notebook)
    except nbclient.exceptions.CellExecutionError as error:
        if error.ename == "UserError":
            raise UserError(error.evalue) from error
        raise UserError(f"a cell of the report failed: {error.ename}: {error.evalue}") from error
    except nbclient.exceptions.CellTimeoutError as error:
        raise UserError(f"a cell of the report took more than {SECONDS_PER_CELL} s") from error
    except nbclient.exceptions.DeadKernelError as error:
        line = "the process that computes the report ended; was there enough memory?"
        raise UserError(line) from error
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.ipynb", folder / f"{name}.html"]
    write_text(paths[0], nbformat.writes(notebook) + "\n")
    write_text(paths[1], _page(notebook, title))
    return paths


def _page(notebook: "NotebookNode", title: str) -> str:
    """Return text, tables and pictures as one HTML file, without the code."""
    from nbconvert import HTMLExporter

    style = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    exporter = HTMLExporter(template_name="basic", exclude_input=True, exclude_output_prompt=True)
    body, _ = exporter.from_notebook_node(notebook)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<title>{title}</title>\n<link rel="icon" href="data:,">\n<style>\n{style}</style>\n'
        f"</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _run(notebook: "NotebookNode") -> None:
    """Run all cells in place, with this Python and the code that is imported here."""
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import DeadKernelError

    root = str(Path(__file__).parents[2])

    class Specs(KernelSpecManager):
        """The only kernel is this Python, so that no kernel needs to be installed."""

        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            paths = [root, os.environ.get("PYTHONPATH", "")]
            return KernelSpec(
                argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
                env={"PYTHONPATH": os.pathsep.join(filter(None, paths))},
                display_name="Python 3",
                language="python",
            )

    class Manager(AsyncKernelManager):
        """Communicate through this user's files, not through ports that others could read."""

        def __init__(self, **kwargs: Any) -> None:
            # The name is unique, so that two reports at once do not use the same files.
            ip = f"{tempfile.gettempdir()}/lab-kernel-{os.getpid()}-{secrets.token_hex(4)}"
            super().__init__(transport="ipc", ip=ip, kernel_spec_manager=Specs(), **kwargs)

    came: list[int] = []

    class Client(NotebookClient):
        """On a signal it ends the kernel and then itself; else the next cell finds no kernel."""

        async def async_start_new_kernel(self, **kwargs: Any) -> None:
            loop, task = asyncio.get_running_loop(), asyncio.current_task()
            assert task is not None

            def stop(number: int) -> None:
                came.append(number)
                self.shutdown_kernel = "immediate"
                task.cancel()

            with suppress(RuntimeError):  # outside the main thread no signal can be caught
                for number in STOPS:
                    loop.add_signal_handler(number, stop, number)
            await super().async_start_new_kernel(**kwargs)

    client = Client(
        notebook,
        kernel_manager_class=Manager,
        timeout=SECONDS_PER_CELL,
        resources={"metadata": {"path": os.getcwd()}},
    )
    try:
        client.execute()
    except (asyncio.CancelledError, DeadKernelError):  # a cell tells of either by the second
        if came:
            raise Interrupted(came[0], "stopped") from None
        raise
