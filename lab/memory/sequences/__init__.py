"""The sequences of the memory study, one class in each file, chosen by `sequence=NAME`."""
