"""The same door from Python: `import lab`, then `lab.run`, `lab.sweep`, `lab.runs`, `lab.load`.

A run or a sweep started here is the one of the same command line: the same folder, the same files,
the same bits, whatever default dtype, device, grad mode or autocast the host has set. The host's
settings, logging, warnings, signal handlers and random numbers are as they were when a function
returns. One run trains at a time: the calls of other threads wait. A mistake raises `lab.UserError`
with one line that says what is wrong; nothing here ends the process.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.config import RunConfig
from lab.config.errors import UserError
from lab.config.reading import from_file
from lab.config.trust import EVERYTHING, trusting
from lab.engine import study
from lab.engine.run_folder import RunFolder, Status
from lab.runs.finding import find_run
from lab.sweeps.records import Sweep as SweepFolder

if TYPE_CHECKING:
    import pandas
    import torch

__all__ = ["Run", "Sweep", "UserError", "load", "run", "runs", "sweep"]


class Run:
    """One run, as its folder has it now. Only what is asked for is read.

    Args:
        path: the run's folder.
        trust: packages whose classes its config may name, beside `lab` and `torch`. `"*"` is any
            code at all.
    """

    def __init__(self, path: str | Path, trust: Sequence[str] = ()) -> None:
        self.path = Path(path).absolute()  # the host may change its current folder
        self._folder = RunFolder(self.path)
        self._trust = trust

    @property
    def name(self) -> str:
        """The folder's name, e.g. `lstm-T20-s0-1a2b3c4d`."""
        return self.path.name

    @property
    def status(self) -> Status | None:
        """`finished`, `running`, `failed` or `interrupted`; None if it was never begun."""
        return self._folder.status

    @cached_property
    def config(self) -> RunConfig:
        """The settings, with the study's keys as attributes: `run.config.seed`.

        Raises:
            UserError: the run was written by another version of the code, or it names code that is
                not trusted.
        """
        with self._trusting():
            return from_file(self._folder.config_file)

    @property
    def result(self) -> dict[str, Any]:
        """What result.json holds: the numbers of a finished run.

        Raises:
            UserError: the run is not finished.
        """
        result = self._folder.result
        if result is None:
            raise UserError(f"{self.path}: {self.status or 'not begun'}, so it has no result yet")
        return result

    @property
    def metrics(self) -> dict[str, list[float]]:
        """metrics.csv by column, a value for each logged step; nan where a step has none.

        `pandas.DataFrame(run.metrics)` makes a table of it.

        Raises:
            UserError: nothing was logged, or the file is not whole.
        """
        try:
            return self._folder.read_metrics()
        except (OSError, TypeError, KeyError, ValueError) as error:
            raise UserError(f"{self._folder.metrics_file} cannot be read ({error})") from error

    @property
    def figures(self) -> dict[str, Path]:
        """The path of each picture by its name, without the file's ending."""
        files = sorted(self.path.glob("figures/*"))
        return {path.stem: path for path in files if path.suffix in (".png", ".gif")}

    @property
    def weights(self) -> "dict[str, torch.Tensor]":
        """The trained weights by their names in the equations, on the CPU.

        Raises:
            UserError: there are none yet, or the file is not whole.
        """
        return self._folder.load_weights()

    @cached_property
    def network(self) -> "torch.nn.Module":
        """The trained network, in evaluation mode on the CPU.

        Of the memory study, `network(digits)` gives the logits [B, 10] of the digit that follows
        the digits uint8 [B, T-1]. Of the generation study, `network(z)` gives images in [-1, 1] of
        z, float [B, latent].

        Raises:
            UserError: the run is not finished, its study keeps no network, or its config names
                code that is not trusted.
        """
        from lab.engine.process import own_process

        self.result  # noqa: B018 - raises where there is none
        with own_process(), self._trusting():  # to build a network draws random numbers
            return study.load_network(self.config, self.weights, self.result)

    def _trusting(self) -> AbstractContextManager[None]:
        return trusting(*self._trust) if self._trust else nullcontext()

    def __repr__(self) -> str:
        result = self._folder.result
        if result is None:
            return f"<lab run {self.name}: {self.status or 'not begun'}>"
        try:
            return f"<lab run {self.name}: {study.headline(self.config, result)}>"
        except (UserError, KeyError):  # of another version
            return f"<lab run {self.name}: finished>"


class Sweep:
    """The runs of one sweep.

    Args:
        path: the sweep's folder, in which its summary.csv and figures lie.
        trust: see `Run`.
    """

    def __init__(self, path: str | Path, trust: Sequence[str] = ()) -> None:
        self.path = Path(path).absolute()
        self._folder, self._trust = SweepFolder(self.path), trust

    @property
    def runs(self) -> list[Run]:
        """The runs that were begun, in the order of the jobs."""
        begun = [record for record in self._folder.records() if record["run"]]
        return [Run(self._folder.run_of(record).path, self._trust) for record in begun]

    @property
    def failed(self) -> dict[str, str]:
        """Why each job failed that did, by its overrides."""
        return {
            " ".join(record["overrides"]): record["line"]
            for record in self._folder.records()
            if record["kind"] == "failed"
        }

    @property
    def table(self) -> list[dict[str, str]]:
        """The rows of summary.csv."""
        import csv

        with open(self.path / "summary.csv", encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    @property
    def figures(self) -> dict[str, Path]:
        """The path of each plot by its name."""
        return {path.stem: path for path in sorted(self.path.glob("*.png"))}

    def __repr__(self) -> str:
        failed = f", {len(self.failed)} failed" if self.failed else ""
        return f"<lab sweep {self.path.name}: {len(self.runs)} runs{failed}>"


def run(*overrides: str, config_dir: str | Path | None = None) -> Run:
    """Train one run, go on with it, or find it finished, as `lab OVERRIDES` does.

    Args:
        overrides: `"task=lstm", "seq_len=20"`, as on the command line.
        config_dir: where YAML files of your own lie, as `--config-dir`.

    Raises:
        UserError: a key or a value is wrong, the run failed, or another process is training it.
        KeyboardInterrupt: it was stopped; the same call continues from its checkpoint.
    """
    from lab.cli.in_process import train

    return Run(train(overrides, config_dir), [EVERYTHING])


def sweep(*overrides: str, config_dir: str | Path | None = None) -> Sweep:
    """Train every combination of comma-separated values, as `lab -m OVERRIDES` does.

    A job that fails does not stop the others; `Sweep.failed` names it.

    Args:
        overrides: `"cell=rnn,lstm", "seq_len=range(3,26)"`, as on the command line.
        config_dir: where YAML files of your own lie, as `--config-dir`.

    Raises:
        UserError: a key or a value is wrong in a way that leaves nothing to run.
        KeyboardInterrupt: it was stopped; the same call continues.
    """
    from lab.cli.in_process import train_all

    return Sweep(train_all(overrides, config_dir), [EVERYTHING])


def runs(out_dir: str | Path = "outputs", *filters: str) -> "pandas.DataFrame":
    """All runs below a folder, a row each, as `lab runs` lists them.

    The columns are the settings (`optimizer.lr`), the numbers of the result (`quality.fid`), and
    `name`, `status`, `begun`, `ended`, `run` (the folder) and `problem` (why it cannot be read).

    Args:
        out_dir: is searched at any depth.
        filters: `"task=lstm", "val_accuracy<1"`; rows of which one does not hold are left out.

    Raises:
        UserError: there is no such folder, a filter is none, or pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise UserError("lab.runs needs pandas: pip install pandas") from error
    from lab.runs.table import Filter, chosen, rows

    return pandas.DataFrame(chosen(rows(out_dir), map(Filter.read, filters)))


def load(run: str | Path, out_dir: str | Path = "outputs", trust: Sequence[str] = ()) -> Run:
    """Open a run: its config, result, metrics, network and figures.

    Args:
        run: its folder, its name, the start of its hash, or `last`.
        out_dir: where it is looked for, at any depth.
        trust: packages whose classes its config may name, beside `lab` and `torch`.

    Raises:
        UserError: there is none (the line names the nearest), or there are several.
    """
    return Run(find_run(run, out_dir).path, trust)
