"""The horizon of networks that are known to forget, and reading in chunks."""

import json
import math

import pytest
import torch

from lab.cli import compose_config
from lab.engine.process import random_stream
from lab.engine.run_folder import RunFolder
from lab.memory import horizon
from lab.memory.config import MemoryConfig
from lab.memory.network import DIGITS, Network, build_network
from lab.memory.sequences import palindrome
from lab.memory.sequences.palindrome import Palindrome
from lab.memory.tools.horizon import measure


class ForgetsAfter(torch.nn.Module):
    """Holds the first digit as it came for `steps` steps, then nothing. State: digit, count."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps = steps

    def forward(self, x, state=None):
        held, count = state if state is not None else (x[0], torch.zeros(x.shape[1], 1))
        count = count + len(x)
        return x, (held * (count <= self.steps), count)


def forgetful(steps: int) -> Network:
    network = Network(ForgetsAfter(steps), DIGITS, "one_hot")
    torch.nn.init.eye_(network.W_ph)
    torch.nn.init.zeros_(network.b_p)
    return network


@pytest.mark.parametrize("limit", [3, 4, 19, 20, 39, 40, 57, 99, 400])
def test_the_horizon_is_found_by_bisection(limit):
    tried = []

    def passes(length: int) -> bool:
        tried.append(length)
        return length <= limit

    found = horizon.find_horizon(passes, 20, 100_000)
    assert found is not None
    assert found <= limit <= found + max(1, found // 100) - 1
    assert len(tried) == len(set(tried)) <= 2 * math.log2(20 * limit)


def test_the_horizon_is_never_beyond_the_longest_nor_below_three():
    assert horizon.find_horizon(lambda length: True, 20, 1000) == 1000
    assert horizon.find_horizon(lambda length: True, 2000, 1000) == 1000
    assert horizon.find_horizon(lambda length: False, 20, 1000) is None


def test_a_network_that_forgets_after_k_steps_has_that_horizon():
    # It reads T-1 digits, so it is right up to T = k + 1.
    network = forgetful(90)
    found = horizon.find_horizon(
        lambda length: horizon.accuracy_at(network, Palindrome(), length, 200, 0) >= 0.999,
        20,
        10_000,
    )
    assert found == 91


@torch.no_grad()
def test_reading_in_chunks_is_reading_whole():
    config = compose_config("hidden_size=8")
    assert isinstance(config, MemoryConfig)
    network = build_network(config).double()
    for seq_len in (3, 4, 36, 37, 100, 101):
        codes = palindrome.distinct_codes(seq_len, 20, random_stream(0, "test"))
        whole = palindrome.from_codes(codes, seq_len, random_stream(1, "test"))
        half = palindrome.free_digits(codes, seq_len, random_stream(1, "test"))
        for chunk in (1, 7, 1000):
            found = horizon.last_logits(network, half, seq_len, chunk)
            assert (found - network(whole[:, :-1])).abs().max() < 1e-12


def test_the_horizon_of_a_run_is_written_into_its_folder(tmp_path, monkeypatch):
    config = compose_config("hidden_size=4", "seq_len=5", f"out_dir={tmp_path}")
    assert isinstance(config, MemoryConfig)
    folder = RunFolder(tmp_path)
    folder.save_config(config.to_dict())
    folder.save_weights(build_network(config).equation_weights())
    folder.save_result({})
    assert "no length" in measure(folder, 50, 40)
    content = json.loads((tmp_path / "figures" / "horizon.json").read_text())
    assert content["horizon"] is None
    assert content["accuracies"].keys() == {"3", "5"}
    monkeypatch.setattr(horizon, "NEEDED", 0.0)
    line = measure(folder, 50, 40)
    assert line.startswith("horizon, the largest T with 0 % or more: at least T=40, accuracy ")
