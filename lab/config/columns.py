"""What a number of a study is called: in metrics.csv, result.json, TensorBoard and tables.

Imports no torch, so that a study's table answers at once.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """A column of metrics.csv, an entry of result.json, or both.

    A study has one table of them. The order of those that are logged is the order in metrics.csv,
    which is in the checkpoints of runs: a new one goes to the end.

    Args:
        name: its place in result.json, such as `quality.fid`; metrics.csv has the last part alone.
        label: what `lab show` calls it.
        tag: its name in TensorBoard. A column of metrics.csv without one keeps its name; an entry
            of a result without one is not shown.
        is_share: whether it is printed in percent.
        is_logged: whether metrics.csv has it.
        is_headline: whether a table of runs has it.
        is_objective: whether `objective=` may name it.
        in_progress: whether the progress line has it; at most four columns of a study are.
    """

    name: str
    label: str
    tag: str = ""
    is_share: bool = False
    is_logged: bool = False
    is_headline: bool = False
    is_objective: bool = False
    in_progress: bool = False

    @property
    def key(self) -> str:
        """Its name in metrics.csv, and where a name may be shortened."""
        return self.name.rpartition(".")[2]


def logged(columns: Iterable[Column]) -> tuple[str, ...]:
    """The names in metrics.csv of the columns that are logged."""
    return tuple(column.key for column in columns if column.is_logged)
