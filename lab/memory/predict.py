"""What a trained network answers, digit by digit.

python -m lab.memory.predict outputs/runs/lstm-T20-s0-… 1234321
"""

import sys
from pathlib import Path

import torch

from lab.config.errors import UserError
from lab.engine.run_folder import RunFolder
from lab.memory.finished import load_network


def main() -> None:
    """`python -m lab.memory.predict RUN DIGITS`."""
    if len(sys.argv) != 3:
        sys.exit("usage: python -m lab.memory.predict outputs/runs/NAME 1234321")
    try:
        print(answer(Path(sys.argv[1]), sys.argv[2]))
    except UserError as error:
        sys.exit(f"lab: {error}")


@torch.no_grad()
def answer(path: Path, text: str) -> str:
    """A table of the network's guess of the last digit after each digit read, and the verdict.

    Args:
        path: the run's folder.
        text: a palindrome's T digits, of which the network reads T-1.

    Raises:
        UserError: the text is no palindrome of digits, or the folder no finished run.
    """
    # str.isdigit alone admits digits of other scripts.
    if not (text.isascii() and text.isdigit()) or len(text) < 3:
        raise UserError(f"{text}: expected at least 3 digits")
    if text != text[::-1]:
        raise UserError(f"{text} is not a palindrome: it should end in {text[0]}")
    network, config = load_network(RunFolder(path))
    digits = torch.tensor([[int(digit) for digit in text[:-1]]], dtype=torch.uint8)
    hidden, _ = network.cell(network.encode(digits), None)  # [T-1, 1, H]
    probabilities = network.read_out(hidden)[:, 0].softmax(-1)  # [T-1, 10]
    confidences, guesses = probabilities.max(-1)
    lines = ["  t  reads  would answer"]
    for t, (digit, guess, confidence) in enumerate(
        zip(text, guesses.tolist(), confidences.tolist(), strict=False), start=1
    ):
        lines.append(f"{t:3}  {digit:>5}  {guess} ({confidence:.1%})")
    verdict = "right" if str(guesses[-1].item()) == text[-1] else f"wrong: it is {text[-1]}"
    lines.append(f"answer {guesses[-1].item()}: {verdict}")
    if len(text) != config.seq_len:
        lines.append(f"(T={len(text)}; trained at T={config.seq_len} only)")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
