"""A laboratory for two classic studies: memory (`task=lstm`) and generation (`task=gan`)."""

__version__ = "0.1.0"
