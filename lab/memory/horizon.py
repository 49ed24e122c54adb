"""How far a trained network remembers: the largest T at which it is right on 99.9 %.

    python -m lab.memory.horizon outputs/runs/lstm-T1000-s0-… n=1000 longest=100000

Lengths are doubled from the one trained on until one is missed (or halved until one is reached),
then bisected to within 1 %. Writes figures/horizon.json into the run's folder. Time is read in
chunks and only the free half of each palindrome is kept, so T=100,000 with n=1000 fits in 1 GB.
"""

import json
import sys
from collections.abc import Callable

import torch
from torch import Tensor

from lab.config.errors import UserError
from lab.engine.run_folder import RunFolder
from lab.engine.seeding import generator
from lab.memory import palindromes
from lab.memory.finished import load_network, runs_and_numbers
from lab.memory.network import EVALUATION_BATCH, Network

NEEDED = 0.999
SHORTEST = 3
# For 1000 palindromes and 128 units the gates of a chunk take 130 MB.
CHUNK = 64
DEFAULTS = {"n": 1000, "longest": 100_000}


def main() -> None:
    """`python -m lab.memory.horizon RUN [RUN ...] [n=1000] [longest=100000]`."""
    torch.set_num_threads(1)  # as a run: more are slower for networks this small
    try:
        folders, numbers = runs_and_numbers(sys.argv[1:], DEFAULTS)
        if numbers["longest"] < SHORTEST:
            raise UserError(f"longest={numbers['longest']}: expected at least {SHORTEST}")
        for folder in folders:
            print(measure(folder, numbers["n"], numbers["longest"]))
    except UserError as error:
        sys.exit(f"lab: {error}")


def measure(folder: RunFolder, n: int, longest: int) -> str:
    """Find a finished run's horizon and write it down; gives a line that says it.

    Raises:
        UserError: the folder is no finished run of the memory study.
    """
    network, config = load_network(folder)
    accuracies: dict[int, float] = {}

    def passes(seq_len: int) -> bool:
        accuracies[seq_len] = accuracy_at(network, seq_len, n, config.seed)
        print(f"T={seq_len:,}: {accuracies[seq_len]:.2%}", file=sys.stderr, flush=True)
        return accuracies[seq_len] >= NEEDED

    horizon = find_horizon(passes, config.seq_len, longest)
    content = {
        "horizon": horizon,
        "needed": NEEDED,
        "n": n,
        "longest": longest,
        "trained_at": config.seq_len,
        "accuracies": {str(length): accuracies[length] for length in sorted(accuracies)},
    }
    data = (json.dumps(content, indent=2) + "\n").encode()
    path = folder.save_file("horizon.json", lambda file: file.write(data))
    if horizon is None:
        return f"no length is remembered at {NEEDED:.1%} → {path}"
    bound = "at least " if horizon >= longest else ""
    return f"memory horizon {bound}{horizon:,} digits: {accuracies[horizon]:.2%} of {n:,} → {path}"


def find_horizon(passes: Callable[[int], bool], start: int, longest: int) -> int | None:
    """The largest length that passes, to within 1 %, at most `longest`; None if none does.

    Of a network that fails at one length and passes at a longer one, this finds the shorter side.
    """
    good, bad = None, None
    length = min(start, longest)
    while good is None or bad is None:
        if passes(length):
            good = length
            if good == longest:
                return good
            length = min(2 * length, longest)
        else:
            bad = length
            if bad == SHORTEST:
                return None
            length = max(length // 2, SHORTEST)
    while bad - good > max(1, good // 100):
        middle = (good + bad) // 2
        if passes(middle):
            good = middle
        else:
            bad = middle
    return good


@torch.no_grad()
def accuracy_at(network: Network, seq_len: int, n: int, seed: int) -> float:
    """The share of `n` palindromes, or of all there are, whose last digit is found."""
    draws = generator(seed, f"horizon {seq_len}")
    codes = palindromes.distinct_codes(seq_len, n, draws)
    right = 0
    for some in codes.split(EVALUATION_BATCH):
        half = palindromes.free_digits(some, seq_len, draws)
        right += int((last_logits(network, half, seq_len).argmax(1) == half[:, 0].long()).sum())
    return right / len(codes)


def last_logits(network: Network, half: Tensor, seq_len: int, chunk: int = CHUNK) -> Tensor:
    """Logits [B, 10] after the T-1 digits of palindromes, read `chunk` steps at a time.

    Args:
        half: their first ceil(T/2) digits, uint8 [B, ceil(T/2)].
    """
    state = None
    for steps in torch.arange(seq_len - 1).split(chunk):
        digits = half[:, torch.minimum(steps, seq_len - 1 - steps)]  # [B, chunk]
        _, state = network.cell(network.encode(digits), state)
    assert state is not None
    return network.read_out(state[0])


if __name__ == "__main__":
    main()
