"""What can be asked of a trained generator: `lab sample`, `lab interpolate`."""
