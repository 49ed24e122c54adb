"""The tools for trained networks of the memory study: `lab predict`, `flow`, `probe`, `horizon`."""
