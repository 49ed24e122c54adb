"""Parity: is the number of ones even or odd?"""

from lab.memory.sequences.modular_sum import ModularSum


class Parity(ModularSum):
    """Read T bits; after the last, give their sum modulo 2.

    It is the simplest task in which every symbol may change the state: Minsky & Papert 1969,
    "Perceptrons"; "parity check" in Deletang et al. 2023, "Neural networks and the Chomsky
    hierarchy".
    """

    def __init__(self) -> None:
        super().__init__(modulus=2)
