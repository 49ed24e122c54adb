"""The by-hand study: a GAN of single layers for each digit, with gradients written by hand."""
