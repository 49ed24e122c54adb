"""The generation study: GANs on small images, with quality metrics that mean something."""
