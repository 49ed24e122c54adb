"""The report's links to the pages of trained networks."""

from pathlib import Path

import pytest

from lab.report.links import links_to_pages, without_links


@pytest.fixture
def out_dir(tmp_path: Path) -> Path:
    """Two runs, of which one has a page and one beside it that belongs to no run."""
    for name in ("runs/lstm-1", "runs/rnn 2", "other"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("lstm-1", "rnn 2"):
        (tmp_path / "runs" / name / "config.yaml").touch()
    for page in ("runs/lstm-1/play.html", "runs/rnn 2/play-lstm-1.html", "other/play.html"):
        (tmp_path / page).touch()
    return tmp_path


def test_pages_beside_runs_are_linked_from_the_reports_folder(out_dir):
    links = links_to_pages(out_dir)
    assert '<a href="../runs/lstm-1/play.html">lstm-1</a>' in links
    assert '<a href="../runs/rnn%202/play-lstm-1.html">rnn 2 beside lstm-1</a>' in links
    assert "other" not in links


def test_there_is_no_heading_without_a_page_and_no_link_in_a_copy_elsewhere(out_dir, tmp_path):
    assert links_to_pages(tmp_path / "nowhere") == ""
    page = f"<p>before</p>\n{links_to_pages(out_dir)}\n<p>after</p>"
    assert without_links(page) == "<p>before</p>\n\n<p>after</p>"
