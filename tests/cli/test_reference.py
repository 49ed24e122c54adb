"""docs/reference.md says what the code says."""

import runpy

from tests.command_line import ROOT

page = runpy.run_path(str(ROOT / "scripts/reference.py"))["page"]


def test_the_reference_is_not_stale():
    command = "scripts/reference.py docs/reference.md"
    assert (ROOT / "docs/reference.md").read_text() == page(), f"make it again: {command}"


def test_it_names_defaults_bounds_and_choices():
    text = page()
    assert "| `train_part` | `0.8` | number above 0, below 1 |" in text
    assert "`one_hot`, `number`" in text
    assert "`lstm` | `init=forget_bias`, `forget_bias=5.0`" in text
