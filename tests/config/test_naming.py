"""A run's name says what differs from the defaults, and stays short."""

import pytest

from lab.cli import compose_config
from lab.config.naming import MOST_LETTERS

NAMES = {
    "": "lstm-T20-s0",
    "optimizer.lr=0.003 seed=1": "lstm-T20-lr0.003-s1",
    "cell=rnn optimizer.lr=0.001": "rnn-T20-lr0.001-s0",
    "cell=rnn_orthogonal": "rnn-T20-orthogonal-s0",
    "cell.init=default": "lstm-T20-default_init-s0",
    "cell.forget_bias=1": "lstm-T20-bias1-s0",
    "cell=torch_lstm": "torch_lstm-T20-s0",
    "cell=min_gru": "min_gru-T20-s0",
    "optimizer=adamw": "lstm-T20-adamw-s0",
    "size=small max_steps=20": "lstm-T20-h32-steps20-s0",
    "clip_norm=null": "lstm-T20-no_clip-s0",
    "cell.init=chrono input=number optimizer.lr=0.05": "lstm-T20-chrono-lr0.05-number-s0",
    "sequence=parity curriculum=upper_half": "parity-lstm-T20-upper_half-s0",
    "task=gan": "gan-mnist-s0",
    "task=gan loss=non_saturating generator=mlp": "gan-mnist-non_saturating-mlp-s0",
    "task=gan discriminator=mlp max_steps=9": "gan-mnist-Dmlp-steps9-s0",
    "task=gan size=small": "gan-mnist-G16-D16-s0",
    "task=gan size=small generator=mlp discriminator=mlp":
        "gan-mnist-mlp-G64x128x256-D256x128-s0",
    "+experiment=b4_balanced_d": "gan-mnist-non_saturating-mlp-D256x128-s0",
    "task=gan loss=wasserstein": "gan-mnist-wasserstein-gp10-s0",
    "task=gan discriminator_lr=null ema=null": "gan-mnist-no_Dlr-no_ema-s0",
    "task=one_layer_gan": "one-layer-mnist-s0",
    "task=one_layer_gan rule=adam generator_hidden=64": "one-layer-mnist-adam-G64-s0",
}  # fmt: skip


@pytest.mark.parametrize("words", NAMES)
def test_a_name_says_what_differs_from_the_defaults(words: str):
    assert compose_config(*words.split()).readable_name == NAMES[words]


def test_a_long_name_is_cut_at_a_word():
    config = compose_config(
        "task=gan", "loss=non_saturating", "generator=mlp", "optimizer.lr=0.0003",
        "generator.widths=[1024,1024,1024,1024,1024]",
    )  # fmt: skip
    assert config.readable_name == "gan-mnist-non_saturating-mlp-lr0.0003-s0"
    assert len(config.readable_name) <= len(config.short_name) + 1 + MOST_LETTERS
