"""The page that a student hands in: the assignment's tasks in order, with the student's runs."""

from pathlib import Path

import pandas as pd

from lab.report import figures
from lab.report.evidence import Evidence
from lab.report.links import links_to_pages
from lab.report.page import show_html, show_picture

COMMANDS = {
    "lstm": "python -m lab -m cell=lstm,rnn seq_len=5,20",
    "gan": "python -m lab task=gan",
}
HIDDEN = ("task", "_target_", "log_every", "threads", "device")
MOST_RUNS = 2


class HandIn:
    """Shows what the assignment asks for, from the finished runs below a folder.

    Args:
        out_dir: the folder of the runs.
    """

    def __init__(self, out_dir: str) -> None:
        self.out_dir = Path(out_dir)
        self.evidence = Evidence(self.out_dir)

    def _runs(self, task: str) -> pd.DataFrame:
        table = self.evidence.table
        return table[table["task"] == task] if len(table) else table

    def _shown(self, task: str) -> pd.DataFrame:
        """The runs to show: the LSTM's shortest and longest length, or the GAN with most steps."""
        rows = self._runs(task)
        if rows.empty or task == "gan":
            return rows.sort_values("steps").tail(1) if len(rows) else rows
        lstm = rows[rows["cell"] == "lstm"]
        lstm = lstm if len(lstm) else rows
        ends = lstm.sort_values(["seq_len", "seed"]).drop_duplicates("seq_len")
        return ends.iloc[[0, -1]].drop_duplicates("run").head(MOST_RUNS)

    def overview(self) -> None:
        """Show the number of runs of each task, and the command for a task without runs."""
        for task, command in COMMANDS.items():
            count = len(self._runs(task))
            words = f"{count} finished {'run' if count == 1 else 'runs'} of task={task}."
            more = "" if count else f" Run <code>{command}</code> first."
            show_html(f"<p>{words}{more}</p>")

    def settings(self, task: str) -> None:
        """Show the networks and the settings of the runs."""
        rows = self._shown(task)
        if rows.empty:
            return
        columns = [c for c in rows if c.startswith("config.") and c.split(".")[1] not in HIDDEN]
        table = rows[[*columns, "parameters"]].dropna(axis=1, how="all").astype(str).T
        table.columns = list(rows["run"])
        table.index = [str(name).removeprefix("config.") for name in table.index]
        show_html(f'<div class="table">{table.to_html(border=0)}</div>')

    def pictures(self, task: str, *names: str) -> None:
        """Show pictures of the runs."""
        for run in self._shown(task).get("run", ()):
            folder = self.evidence.folders[run].path / "figures"
            for path in (folder / f"{name}.png" for name in names):
                if path.exists():
                    show_html(f"<p>{path.stem.replace('_', ' ')}, {run}</p>")
                    show_picture(path, f"{path.stem} of {run}")

    def accuracy(self) -> None:
        """Show accuracy by cell and length, on the test set or else on the validation set."""
        rows = self._runs("lstm")
        if rows.empty:
            return
        columns = ["cell", "label", "seq_len", "steps", "val_accuracy", "test_accuracy"]
        table = rows.reindex(columns=columns).sort_values(["cell", "seq_len"])
        show_html(f'<div class="table">{table.to_html(index=False, border=0)}</div>')
        show_picture(figures.accuracy(rows), "accuracy against length")

    def pages(self) -> None:
        """Show links to the pages of `lab play`."""
        show_html(links_to_pages(self.out_dir))
