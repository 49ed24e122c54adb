"""The generation study: GANs on small grey images, judged by figures that mean something."""
