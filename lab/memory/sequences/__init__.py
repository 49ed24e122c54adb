"""What networks of the memory study are asked: one class a file, chosen as `sequence=NAME`."""
