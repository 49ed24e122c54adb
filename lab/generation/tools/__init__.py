"""The tools for trained generators: `lab sample` and `lab interpolate`."""
