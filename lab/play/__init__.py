"""The page of a trained network: one HTML file that computes with the run's own weights."""
