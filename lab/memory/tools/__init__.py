"""What can be asked of a trained network of the memory study: `lab predict` and its like."""
