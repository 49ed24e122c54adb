"""Write a task's results: one call draws a figure, writes it and shows it in TensorBoard."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from lab.engine.files import png_bytes
from lab.engine.run_folder import RunFolder

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor

    from lab.engine.tracking import Tracker

History = Mapping[str, list[float]]
"""The columns of metrics.csv by name, with a value for each row; nan if a row has none."""


class Recorder:
    """Writes weights, figures and other files of one run.

    Args:
        folder: the run's folder.
        tracker: also shows the figures in TensorBoard; None: they are only written.
    """

    def __init__(self, folder: RunFolder, tracker: "Tracker | None" = None) -> None:
        self._folder, self._tracker = folder, tracker

    def figure(self, name: str, figure: "Figure", *, tag: str | None = None, step: int = 0) -> Path:
        """Draw a figure once, and give the same bytes to figures/<name>.png and to TensorBoard.

        Args:
            name: the name of the file, without its ending.
            figure: a Matplotlib figure.
            tag: the name in TensorBoard; None: `name`. Figures with one tag are a series of steps.
            step: the step in TensorBoard.

        Returns:
            the path of the file.
        """
        png = png_bytes(figure)
        if self._tracker:
            self._tracker.image(tag or name, png, step)
        return self.file(f"{name}.png", lambda file: file.write(png))

    def file(self, name: str, write: Callable[[BinaryIO], object]) -> Path:
        """Let `write` fill figures/<name>, such as an animation or an array; return its path."""
        return self._folder.save_file(name, write)

    def weights(self, weights: "dict[str, Tensor]") -> None:
        """Write model.safetensors, with the tensors by their names in the equations."""
        self._folder.save_weights(weights)

    def last_weights(self, weights: "dict[str, Tensor]") -> None:
        """Write last.safetensors, for a run whose model.safetensors has weights of another step."""
        self._folder.save_weights(weights, last=True)
