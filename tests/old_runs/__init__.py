"""Run folders written by earlier versions of the code, and the commands that made them.

They stay readable, and those of `v1` and later stay found by their commands. What a
version changes about folders or identities needs folders of its own:

    python -m tests.old_runs.write v2      # needs MNIST, and takes a minute

`v0` is of before the device left the identity: its runs are readable, but no longer found.
"""

from pathlib import Path

HERE = Path(__file__).parent
FOUND = ("v1",)
READABLE = ("v0", *FOUND)

LSTM = (
    "task=lstm", "device=cpu", "hidden_size=8", "seq_len=5", "data_size=100", "batch_size=16",
    "max_steps=20", "eval_every=10", "log_every=5", "target_accuracy=null",
)  # fmt: skip
GAN = (
    "task=gan", "device=cpu", "generator=mlp", "discriminator=mlp", "generator.latent=5",
    "generator.widths=[8]", "discriminator.widths=[8]", "optimizer.lr=5e-4",
    "discriminator_lr=1e-3", "batch_size=8", "max_steps=6", "sample_every=3", "eval_every=3",
    "log_every=2", "eval_samples=50", "final_samples=50",
)  # fmt: skip
ONE_LAYER = (
    "task=one_layer_gan", "device=cpu", "digits=[0,1]", "noise_size=4", "epochs=20",
    "images_per_epoch=8", "frame_every=10", "log_every=5", "eval_samples=8",
)  # fmt: skip
RUNS = {"lstm": LSTM, "gan": GAN, "one_layer_gan": ONE_LAYER}
SWEEP = ("-m", *LSTM, "seed=0,1")
