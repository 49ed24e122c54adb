"""The report's figures of made-up rows."""

import pandas as pd
import pytest

from lab.report import figures
from tests.report.made_up import history


@pytest.mark.parametrize(
    ("loss", "words"), [("NonSaturating", "log 2"), ("Minimax", "log 2"), ("Hinge", "2")]
)
def test_the_line_of_a_discriminator_that_cannot_decide_is_that_of_the_loss(loss, words):
    losses = history(step=[1, 2], d_loss=[0.5, 0.6], g_loss=[0.7, 0.8])
    row = {"seed": 0, "label": loss, "history": losses,
           "config.loss._target_": f"lab.generation.losses.{loss}"}  # fmt: skip
    (axis,) = figures.losses(pd.DataFrame([row])).axes
    assert [text.get_text() for text in axis.texts] == [words]
