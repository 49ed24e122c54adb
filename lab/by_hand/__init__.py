"""The by-hand study: the smallest GANs there are, one for each digit, gradients written out."""
