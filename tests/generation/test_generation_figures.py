"""The figures as pixels: true greys, square pixels, thin gaps, every label in its place."""

import io
import math

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from lab.engine.run_folder import RunFolder
from lab.figures import sheets
from lab.figures.sheets import GAP, ZOOM
from lab.generation import figures, pictures
from lab.generation.sample import _grid

SIDE = 28
STEP = (SIDE + GAP) * ZOOM


def drawn(figure):
    """The figure's pixels [H, W] as grey levels 0 to 255."""
    assert isinstance(figure, Figure)
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return np.asarray(Image.open(file).convert("L")).astype(int)


def ramps(count):
    """Images [N, 28, 28], each from -1 to a top of its own."""
    ramp = np.linspace(0, 1, SIDE * SIDE, dtype=np.float32).reshape(1, SIDE, SIDE)
    return ramp * np.linspace(0.1, 2, count, dtype=np.float32)[:, None, None] - 1


@pytest.mark.parametrize(
    ("count", "columns", "rows_drawn", "columns_drawn"),
    [(7, None, 3, 3), (6, 3, 2, 3), (1, None, 1, 1)],
)
def test_a_grid_shows_every_pixel_with_its_own_grey(count, columns, rows_drawn, columns_drawn):
    images = ramps(count)
    pixels = drawn(sheets.image_grid(images, columns))
    assert pixels.shape == (
        rows_drawn * STEP + GAP * ZOOM,
        columns_drawn * STEP + GAP * ZOOM,
    )
    for index, image in enumerate(images):
        top = GAP * ZOOM + index // columns_drawn * STEP
        left = GAP * ZOOM + index % columns_drawn * STEP
        shown = pixels[top : top + SIDE * ZOOM, left : left + SIDE * ZOOM]
        wanted = ((image + 1) * 127.5).repeat(ZOOM, 0).repeat(ZOOM, 1)
        assert abs(shown - wanted).max() <= 0.51


def texts(figure):
    return [text.get_text() for axis in figure.axes for text in axis.texts]


def test_a_progress_sheet_has_a_row_for_each_step():
    notes = ["", "FID 29.1", "FID 2.1"]
    figure = sheets.progress_sheet(ramps(12).reshape(3, 4, SIDE, SIDE), [0, 500, 12_000], notes)
    assert texts(figure) == ["step 0", "step 500\nFID 29.1", "step 12,000\nFID 2.1"]
    pixels = drawn(figure)
    sheet = pixels[:, sheets.MARGIN :]
    assert sheet.shape == (3 * STEP + GAP * ZOOM, 4 * STEP + GAP * ZOOM)
    # Nothing of the longest label is cut off at the left edge.
    assert (pixels[:, :2] == 255).all()


def test_rows_carry_a_label_under_each_image():
    rows = ramps(18).reshape(2, 9, SIDE, SIDE)
    figure = sheets.labelled_rows(
        rows, ["711111166", "777799966"], ["linear", "spherical"], bold_ends=True, caption="read as"
    )
    assert texts(figure) == [*"711111166", *"777799966"]
    assert [axis.get_title(loc="left") for axis in figure.axes] == ["linear", "spherical"]
    bold = [text for axis in figure.axes for text in axis.texts if text.get_weight() == "bold"]
    assert [text.get_text() for text in bold] == ["7", "6", "7", "6"]
    assert [text.get_text() for text in figure.texts] == ["read as"]
    pixels = drawn(figure)
    assert (pixels[:, : sheets.EDGE] == 255).all(), "the rows must not touch the edge"
    assert (pixels[:, -sheets.EDGE :] == 255).all()
    below = pixels[-2 * sheets.LABEL : -sheets.LABEL]
    for index in range(9):
        left = sheets.EDGE + GAP * ZOOM + index * STEP
        assert below[:, left : left + SIDE * ZOOM].min() < 128, "a label must stand here"


def test_a_grid_has_room_for_its_title():
    pixels = drawn(sheets.image_grid(ramps(1), title="step 12,000, FID 1.2"))
    assert (pixels[: sheets.TITLE, :3] == 255).all()
    assert (pixels[: sheets.TITLE, -3:] == 255).all()
    assert pixels[: sheets.TITLE].min() < 128


@pytest.mark.parametrize(("count", "is_cross_entropy"), [(1, True), (10, False), (500, True)])
def test_loss_dynamics_show_probabilities_only_where_logits_are_of_some(count, is_cross_entropy):
    level = {"d_loss": 0.7, "g_loss": 0.8, "d_accuracy": 0.6, "d_real": 0.5, "d_fake": 0.4,
             "d_real_score": 0.9, "d_fake_score": -0.9}  # fmt: skip
    history = {name: [value] * count for name, value in level.items()}
    history |= {"step": list(range(count)), "d_auc": [np.nan] * (count - 1) + [0.9]}
    undecided = math.log(2) if is_cross_entropy else 2.0
    figure = figures.loss_dynamics(history, "gan-mnist-s0", is_cross_entropy, undecided)
    losses, shares, *scores = figure.axes
    (legend,) = figure.legends
    named = [text.get_text() for text in legend.get_texts()]
    assert [name for name in named if "D(" in name] == (
        [
            "D(x), probability that a training image is real",
            "D(G(z)), probability that a sample is real",
        ]
        if is_cross_entropy
        else ["D(x), score of training images", "D(G(z)), score of samples"]
    )
    words, value = ("log 2: D cannot decide", math.log(2)) if is_cross_entropy else (
        "2: D cannot decide", 2.0)  # fmt: skip
    assert [text.get_text() for text in losses.texts] == [words]
    assert value in [line.get_ydata()[0] for line in losses.get_lines()]
    assert [axis.get_ylabel() for axis in scores] == (
        [] if is_cross_entropy else ["mean score (not a probability)"]
    )
    if scores:
        lowest = min(np.min(line.get_ydata()) for line in scores[0].get_lines())
        assert lowest == pytest.approx(-0.9)
    assert any("accuracy of D" in name for name in named)
    without = figures.loss_dynamics(
        {**history, "d_accuracy": [np.nan] * count}, "gan", is_cross_entropy, undecided
    )
    shown = [text.get_text() for text in without.legends[0].get_texts()]
    assert shown == [name for name in named if "accuracy of D" not in name]
    (mean,) = (line for line in losses.get_lines() if line.get_label() == "G's loss")
    assert np.allclose(mean.get_ydata(), 0.8)
    (auc,) = (line for line in shares.get_lines() if str(line.get_label()).startswith("AUC"))
    assert auc.get_xydata().tolist() == [[count - 1, 0.9]]
    drawn(figure)


def test_the_animation_holds_every_frame_in_true_greys(tmp_path):
    frames = ramps(12).reshape(3, 4, SIDE, SIDE)
    path = tmp_path / "progress.gif"
    sheets.animation(frames, 2, path)
    with Image.open(path) as gif:
        assert gif.n_frames == 3
        assert gif.info["loop"] == 0
        durations = []
        for index in range(3):
            gif.seek(index)
            durations.append(gif.info["duration"])
            shown = np.asarray(gif.convert("L")).astype(int)[::ZOOM, ::ZOOM]
            assert (shown == sheets.tile(frames[index], 2)).all()
    assert durations == [sheets.FRAME_MS, sheets.FRAME_MS, sheets.LAST_FRAME_MS]
    file = io.BytesIO()
    sheets.animation(frames, 2, file)
    assert file.getvalue() == path.read_bytes()


def test_a_sweeps_quality_shows_each_seed_and_the_mean_of_each_setting():
    rows = [
        {"series": s, "fid": f, "recall": r, "real_fid": 0.1, "real_recall": 0.9, "n": 100}
        for s, f, r in [("hinge", 2.0, 0.8), ("hinge", 4.0, 0.6), ("minimax", 9.0, 0.1)]
    ]
    fid, recall = figures.sweep_quality(rows).axes
    assert fid.lines[0].get_xdata().tolist() == [2.0, 4.0]
    assert list(fid.lines[1].get_xdata()) == [3.0, 3.0]
    assert list(recall.lines[3].get_xdata()) == [0.1, 0.1]
    assert [label.get_text() for label in fid.get_yticklabels()] == ["hinge", "minimax"]


def test_a_grids_title_has_its_step_and_the_fid_where_it_was_measured():
    assert pictures.at_step(12_000, 2.13, 2000) == "step 12,000, FID 2.1 at n=2,000"
    assert pictures.at_step(500, None, 2000) == "step 500"


@pytest.mark.parametrize(
    ("count", "classes", "title"),
    [
        (64, (), "seed 0"),
        (100, (), "seed 0"),
        (200, (), "seed 0, 100 of 200 images"),
        (60, tuple("0123456789"), "seed 0"),
        (64, tuple("0123456789"), "seed 0, 60 of 64 images"),
    ],
)
def test_the_title_says_how_many_images_are_shown(count, classes, title):
    figure = _grid(np.zeros((count, 8, 8), np.float32), "seed 0", classes)
    assert figure.get_suptitle() == title or figure.axes[0].get_title() == title


def test_the_name_of_a_class_may_have_a_slash(tmp_path):
    write = lambda file: file.write(b"x")  # noqa: E731
    paths = [
        RunFolder(tmp_path).save_file(f"{name}.npz", write) for name in ("a/b", "a%2Fb", "é 7")
    ]
    assert [path.name for path in paths] == ["a%2Fb.npz", "a%252Fb.npz", "é 7.npz"]
    assert {path.parent for path in paths} == {tmp_path / "figures"}
