"""Print what a trained network answers after each digit: `lab predict RUN DIGITS`."""

import argparse

from lab.config.errors import UserError
from lab.config.wording import percent
from lab.engine.run_folder import RunFolder
from lab.memory.config import MemoryConfig
from lab.runs.arguments import add_run, chosen_run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run(parser)
    parser.add_argument("digits", metavar="DIGITS", help="a palindrome; its last digit is not read")


def run(args: argparse.Namespace) -> None:
    check_palindrome(args.digits)
    print(answer(chosen_run(args, MemoryConfig), args.digits))


def check_palindrome(text: str) -> None:
    """Raise a UserError unless the text is a palindrome of at least 3 digits."""
    # str.isdigit alone accepts digits of other scripts.
    if not (text.isascii() and text.isdigit()) or len(text) < 3:
        raise UserError(f"{text}: expected at least 3 digits, and nothing else")
    if text != text[::-1]:
        raise UserError(f"{text} is not a palindrome: read backwards it is {text[::-1]}")


def answer(folder: RunFolder, text: str) -> str:
    """Return a table of the network's answer after each digit, and whether the last is correct.

    Args:
        folder: the folder of a finished run.
        text: a palindrome's T digits, of which the network reads T-1.
    """
    import torch

    from lab.memory.network import open_palindromes

    network, config = open_palindromes(folder)
    digits = torch.tensor([[int(digit) for digit in text[:-1]]], dtype=torch.uint8)
    with torch.no_grad():
        hidden, _ = network.cell(network.encode(digits), None)  # [T-1, 1, H]
        probabilities = network.read_out(hidden)[:, 0].softmax(-1)  # [T-1, 10]
    confidences, guesses = probabilities.max(-1)
    lines = [str(folder.path), "  t  reads  would answer"]
    for t, (digit, guess, confidence) in enumerate(
        zip(text, guesses.tolist(), confidences.tolist(), strict=False), start=1
    ):
        lines.append(f"{t:3}  {digit:>5}  {guess} ({percent(confidence)})")
    said = "correct" if str(guesses[-1].item()) == text[-1] else f"wrong, the last is {text[-1]}"
    lines.append(f"answer {guesses[-1].item()}: {said}")
    if len(text) != config.seq_len:
        lines.append(f"(this palindrome has T={len(text)}; trained at T={config.seq_len})")
    return "\n".join(lines)
