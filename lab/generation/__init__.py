"""The generation study: GANs on small images, and the quality of what they generate."""
