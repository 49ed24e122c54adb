"""What a trained network answers, digit by digit: `lab predict RUN DIGITS`."""

import argparse

from lab.config.errors import UserError
from lab.engine.arguments import add_run, chosen_run
from lab.engine.run_folder import RunFolder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run(parser)
    parser.add_argument("digits", metavar="DIGITS", help="a palindrome; its last digit is not read")


def run(args: argparse.Namespace) -> None:
    check_palindrome(args.digits)
    print(answer(chosen_run(args), args.digits))


def check_palindrome(text: str) -> None:
    """Raise a UserError unless the text is a palindrome of at least 3 digits."""
    # str.isdigit alone admits digits of other scripts.
    if not (text.isascii() and text.isdigit()) or len(text) < 3:
        raise UserError(f"{text}: expected at least 3 digits, and nothing else")
    if text != text[::-1]:
        raise UserError(f"{text} is not a palindrome: it should end in {text[0]}")


def answer(folder: RunFolder, text: str) -> str:
    """A table of the network's guess of the last digit after each digit read, and the verdict.

    Args:
        folder: of a finished run of the memory study.
        text: a palindrome's T digits, of which the network reads T-1.

    Raises:
        UserError: the folder is no finished run of the memory study.
    """
    import torch

    from lab.memory.finished import open_palindromes

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
        lines.append(f"{t:3}  {digit:>5}  {guess} ({confidence:.1%})")
    verdict = "correct" if str(guesses[-1].item()) == text[-1] else f"wrong: it is {text[-1]}"
    lines.append(f"answer {guesses[-1].item()}: {verdict}")
    if len(text) != config.seq_len:
        lines.append(f"(this palindrome has T={len(text)}; trained at T={config.seq_len})")
    return "\n".join(lines)
