"""docs/reference.md says what the code says."""

from lab.cli.reference import page
from tests.command_line import ROOT


def test_the_reference_is_not_stale():
    command = "python -m lab.cli.reference docs/reference.md"
    assert (ROOT / "docs/reference.md").read_text() == page(), f"make it again: {command}"


def test_it_names_defaults_bounds_and_choices():
    text = page()
    assert "| `train_part` | `0.8` | number above 0, below 1 |" in text
    assert "`one_hot`, `number`" in text
    assert "`lstm` | `init=forget_bias`, `forget_bias=5.0`" in text
