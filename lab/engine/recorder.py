"""Where a task's results go: one call draws a figure, writes it and shows it in TensorBoard."""

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
"""Each column of metrics.csv with a value for each row; nan where a row has none."""


class Recorder:
    """Writes weights, figures and other files of one run.

    Args:
        folder: the run's.
        tracker: shows the figures in TensorBoard too; None: they are only written.
    """

    def __init__(self, folder: RunFolder, tracker: "Tracker | None" = None) -> None:
        self._folder, self._tracker = folder, tracker

    def figure(self, name: str, figure: "Figure", *, tag: str | None = None, step: int = 0) -> Path:
        """Draw a figure once: figures/<name>.png and TensorBoard get the same bytes.

        Args:
            name: of the file, without its ending.
            figure: as Matplotlib makes it.
            tag: its name in TensorBoard, `name` if None. Figures of one tag are a series of steps.
            step: in TensorBoard.
        """
        png = png_bytes(figure)
        if self._tracker:
            self._tracker.image(tag or name, png, step)
        return self.file(f"{name}.png", lambda file: file.write(png))

    def file(self, name: str, write: Callable[[BinaryIO], object]) -> Path:
        """Let `write` fill figures/<name>, an animation or an array, and give its path."""
        return self._folder.save_file(name, write)

    def weights(self, weights: "dict[str, Tensor]") -> None:
        """Write model.safetensors, the tensors by their names in the equations."""
        self._folder.save_weights(weights)

    def last_weights(self, weights: "dict[str, Tensor]") -> None:
        """Write last.safetensors, for a run whose model.safetensors holds those of another step."""
        self._folder.save_weights(weights, last=True)
