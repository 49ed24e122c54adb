"""`python -m lab task=lstm seq_len=20` (see README)."""

from lab.cli import main

if __name__ == "__main__":
    main()
