"""Time to 99.9 % held out: our default run against a plain version of the assignment.

    .venv/bin/python scripts/bench_memory.py                  T=5, 20, 25, three seeds
    .venv/bin/python scripts/bench_memory.py 20 --seeds 1

The plain version: a DataLoader over a Dataset, two linear layers a gate as they come from torch,
RMSProp 1e-3 halved every 10 epochs, 10,000 palindromes of which 80 % are trained on, judged after
each epoch. Both run in this process on one thread, seed by seed in turn; the time to import
Python's modules is left out. Read the ratio: absolute times change with the machine.
"""

import argparse
import time
from statistics import median

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from lab.cli import compose_config
from lab.engine.process import random_stream, seed_everything
from lab.memory.config import MemoryConfig
from lab.memory.sequences.palindrome import Palindrome
from lab.memory.task import MemoryTask

TARGET = 0.999
MAX_EPOCHS = 100


class PlainLSTM(nn.Module):
    """The equations with separate linear layers, as the sources write them."""

    def __init__(self, hidden_size: int = 128) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.x = nn.ModuleDict({gate: nn.Linear(10, hidden_size) for gate in "gifo"})
        self.h = nn.ModuleDict({g: nn.Linear(hidden_size, hidden_size, False) for g in "gifo"})
        self.p = nn.Linear(hidden_size, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Logits [B, 10] from x [B, T-1, 10]."""
        h = c = torch.zeros(len(x), self.hidden_size)
        for t in range(x.shape[1]):
            a = {gate: self.x[gate](x[:, t]) + self.h[gate](h) for gate in "gifo"}
            g = torch.tanh(a["g"])
            i, f, o = (torch.sigmoid(a[gate]) for gate in "ifo")
            c = g * i + c * f
            h = torch.tanh(c) * o
        return self.p(h)


def plain_seconds(seq_len: int, seed: int) -> float:
    """Until 99.9 % held out, or the end of the epochs."""
    seed_everything(seed)
    begin = time.perf_counter()
    sets = Palindrome().sets(seq_len, 10_000, 0.8, 0, random_stream(seed, "palindromes"))
    train, validation = (
        TensorDataset(nn.functional.one_hot(part.inputs.long(), 10).float(), part.targets[:, 0])
        for part in (sets.train, sets.validation)
    )
    network = PlainLSTM()
    optimizer = torch.optim.RMSprop(network.parameters(), lr=1e-3)
    halving = torch.optim.lr_scheduler.StepLR(optimizer, step_size=10, gamma=0.5)
    for _ in range(MAX_EPOCHS):
        for x, y in DataLoader(train, batch_size=128, shuffle=True):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(x), y).backward()
            nn.utils.clip_grad_norm_(network.parameters(), 10)
            optimizer.step()
        halving.step()
        with torch.no_grad():
            right = sum(
                int((network(x).argmax(1) == y).sum())
                for x, y in DataLoader(validation, batch_size=128)
            )
        if right / len(validation) >= TARGET:
            break
    return time.perf_counter() - begin


def our_seconds(seq_len: int, seed: int) -> float:
    """Until 99.9 % held out, with the defaults."""
    config = compose_config(f"seq_len={seq_len}", f"seed={seed}")
    assert isinstance(config, MemoryConfig)
    seed_everything(seed)
    begin = time.perf_counter()
    task = MemoryTask(config, "cpu")
    for step in range(1, task.total_steps + 1):
        task.step()
        if step % config.eval_every == 0 and task.validate()["val_accuracy"] >= TARGET:
            break
    return time.perf_counter() - begin


def main() -> None:
    """Print a line for each length."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lengths", type=int, nargs="*", default=[5, 20, 25])
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    our_seconds(3, 0)  # the first steps of a process pay for torch's own start
    print(f"{'T':>3}  {'ours (s)':>9}  {'plain (s)':>9}  plain/ours, median of {arguments.seeds}")
    for seq_len in arguments.lengths:
        pairs = [
            (our_seconds(seq_len, seed), plain_seconds(seq_len, seed))
            for seed in range(arguments.seeds)
        ]
        ours, plain = (median(times) for times in zip(*pairs, strict=True))
        ratio = median(p / o for o, p in pairs)
        print(f"{seq_len:3}  {ours:9.2f}  {plain:9.2f}  {ratio:.1f}", flush=True)


if __name__ == "__main__":
    main()
