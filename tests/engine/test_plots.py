"""The two painters: what is drawn is what was measured, and nothing between."""

import numpy as np
import pytest

from lab.config.wording import percent
from lab.figures import plots


def segments(axis):
    """The points of each drawn line."""
    return [line.get_xydata().tolist() for line in axis.lines]


def test_a_curve_goes_through_the_means_and_its_band_from_least_to_greatest():
    _, (axis,) = plots.new_figure("a")
    plots.draw_curves(axis, [plots.Curve("lstm", [1, 2, 3], [[1.0, 0.8], [0.5], [np.nan, 0.25]])])
    assert segments(axis) == [[[1, 0.9], [2, 0.5], [3, 0.25]]]
    band = axis.collections[0].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == (0.25, 1.0)


def test_no_line_leads_over_a_gap_and_one_name_stands_for_all_parts():
    _, (axis,) = plots.new_figure("a")
    plots.draw_curves(axis, [plots.Curve("rnn", [3, 4, 9], [1, 1, 0.5])], widest_gap=1)
    assert segments(axis) == [[[3, 1], [4, 1]], [[9, 0.5]]]
    assert all(line.get_marker() == "o" for line in axis.lines)
    assert axis.get_legend_handles_labels()[1] == ["rnn"]


def test_equal_curves_are_seen_within_each_other():
    _, (axis,) = plots.new_figure("a")
    curves = [plots.Curve(name, [1, 2], [1, 1]) for name in "abc"]
    plots.draw_curves(axis, curves, nested=True)
    widths = [line.get_linewidth() for line in axis.lines]
    assert widths == sorted(widths, reverse=True)
    assert len(set(widths)) == 3


def test_long_curves_are_told_apart_without_colour_by_markers_at_different_points():
    _, (axis,) = plots.new_figure("a")
    plots.draw_curves(axis, [plots.Curve(name, range(100), [0.5] * 100) for name in "ab"])
    marked = [set(range(100)[slice(line.get_markevery()[0], None, 12)]) for line in axis.lines]
    assert [len(places) for places in marked] == [9, 8]
    assert not marked[0] & marked[1]
    assert len({line.get_marker() for line in axis.lines}) == 2


def test_the_legend_lies_below_all_axes_and_a_single_name_needs_none():
    figure, axes = plots.new_figure("a title", panels=2)
    for axis in axes:
        names = [f"a curve of a name as long as those of a comparison {k}" for k in range(9)]
        plots.draw_curves(axis, [plots.Curve(name, [1, 2], [1, 1]) for name in names])
    plots.legend_below(figure)
    (legend,) = figure.legends
    assert len(legend.get_texts()) == 9
    figure.draw_without_rendering()
    lowest = min(axis.get_tightbbox().y0 for axis in axes)
    assert legend.get_window_extent().y0 >= 0
    assert legend.get_window_extent().y1 <= lowest
    assert legend.get_window_extent().width <= figure.bbox.width
    alone, (axis,) = plots.new_figure("b")
    plots.draw_curves(axis, [plots.Curve("one", [1, 2], [1, 2])])
    plots.legend_below(alone)
    assert not alone.legends


def test_strips_mark_each_run_and_the_mean_of_a_setting():
    figure, axes = plots.new_figure("a", panels=2)
    plots.draw_strips(axes[0], {"hinge": [2.0, 4.0], "minimax": [np.nan]})
    plots.name_strips(figure, axes, ["hinge", "minimax, batch_size=64, optimizer.lr=0.0002"])
    assert segments(axes[0])[:2] == [[[2, 0], [4, 0]], [[3, -0.3], [3, 0.3]]]
    figure.draw_without_rendering()
    for label in axes[0].get_yticklabels():
        assert label.get_window_extent().x0 >= 0


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (1.0, "100 %"), (0.99996, "99.99 %"), (0.9999, "99.99 %"), (0.1, "10 %"),
        (float(np.float32(0.41)), "41 %"), (float(np.nextafter(np.float32(1), 0)), "99.99 %"),
    ],
)  # fmt: skip
def test_a_share_is_never_rounded_up_to_100_percent(share, words):
    assert percent(share) == words


def test_a_narrow_range_keeps_its_axis_and_a_wide_one_has_plain_numbers():
    _, (narrow, wide) = plots.new_figure("a", panels=2)
    plots.log_ticks(narrow.yaxis, 50, 75)
    plots.log_ticks(wide.xaxis, 0.8, 40)
    assert narrow.get_yscale() == "linear"
    assert wide.get_xscale() == "log"
    wide.set_xlim(0.8, 40)
    shown = [tick.get_text() for tick in wide.get_xticklabels()]
    assert {"1", "2", "5", "10", "20"} <= set(shown)
