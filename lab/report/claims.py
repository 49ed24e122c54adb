"""The sources' claims, a sentence each, with the settings they were made with."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """What a source says.

    Args:
        seeds: the sources that say it, by their numbers.
        text: in a sentence.
        setting: they used.
    """

    seeds: str
    text: str
    setting: str


MEMORY_SETTING = (
    "128 hidden units, batches of 128, RMSProp 1e-3, clip norm 10, torch's default start"
)
GAN_SETTING = "Adam 2e-4 with beta1 0.5, batches of 64, 200 epochs of MNIST, no average generator"

CLAIMS = {
    "A1": Claim(
        "002", "At T=5 the LSTM comes close to perfect accuracy.", f"T=5, {MEMORY_SETTING}."
    ),
    "A2": Claim(
        "002",
        "Longer palindromes need another learning rate, and the LSTM does better than the RNN.",
        f"T=5, 10, 20 at four learning rates, else {MEMORY_SETTING}; and every start of the RNN.",
    ),
    "A3": Claim(
        "000",
        "The LSTM is perfect at an input length of 18 and more.",
        f"T=6 and 20, the digit as a number, 100,000 palindromes, {MEMORY_SETTING}, 100 epochs.",
    ),
    "A4": Claim(
        "000",
        "The RNN drops significantly at an input length of 18 or more; short lengths differ only "
        "slightly.",
        f"T=4..20, the digit as a number, 100,000 palindromes, {MEMORY_SETTING}, 100 epochs.",
    ),
    "A5": Claim(
        "001",
        "The RNN is acceptable to about 10 and degrades then; the LSTM is exactly 100 % at T=25; "
        "at T=3 the LSTM is below 100 % and below the RNN, for want of data.",
        f"T=3..25, one-hot, 10,000 palindromes, early stop at 99 %, {MEMORY_SETTING}, 100 epochs.",
    ),
    "A6": Claim("003", "The LSTM learns T=5 and T=20.", f"T=5 and 20, {MEMORY_SETTING}."),
    "A7": Claim(
        "all",
        "The RNN forgets because its gradient vanishes; the LSTM's cell state keeps it.",
        f"The longest T that both were trained at, {MEMORY_SETTING}.",
    ),
    "B1": Claim(
        "002, 000",
        "The minimax generator learns little early on, the non-saturating -log D(G(z)) has the "
        "stronger gradient.",
        f"The nets of B3, {GAN_SETTING}.",
    ),
    "B2": Claim(
        "000",
        "With three hidden layers of 256, digits appear by the middle of training and stay blurry "
        "to the end.",
        f"G 100-256-256-256-784, D 784-256-256-1, {GAN_SETTING}.",
    ),
    "B3": Claim(
        "001",
        "The recommended discriminator becomes too strong: its loss falls to near zero, G's "
        "rises, the images are unsatisfactory after 50 epochs.",
        f"G 100-128-256-512-1024-784, D 784-512-256-1 without dropout, {GAN_SETTING}.",
    ),
    "B4": Claim(
        "001",
        "With a balanced discriminator both losses hover around log 2, which means realistic "
        "images: high-quality digits.",
        f"As B3, but D 784-256-128-1 with dropout 0.4, {GAN_SETTING}.",
    ),
    "B5": Claim(
        "002", "25 images at the start, halfway and at the end show the progress.", "The run of B4."
    ),
    "B6": Claim(
        "003",
        "Samples are noise at first, mixed halfway and almost identical to handwriting at the "
        "end; a saved generator gives them again.",
        "A sheet every 500 batches, the run of B4.",
    ),
    "B7": Claim(
        "002, 001, 003",
        "A straight walk between two classes changes smoothly, and a third class lies between "
        "them.",
        "7 steps between two samples of different classes; ours: 200 walks, named by the judge.",
    ),
    "B8": Claim(
        "000",
        "With z2 scaled by 2 the changes are wider and more noticeable.",
        "As B7; the length of the way in the judge's features.",
    ),
    "B9": Claim(
        "001",
        "7 - 1 + 6 gives a 9, at 0.2 z6 + 0.8 z_hybrid (or, as its algebra has it, z6 + 0.8 "
        "z_hybrid); z7 - z1 by itself still is a 7.",
        "200 draws of the three samples; the null adds a random direction of the same length.",
    ),
    "B10": Claim(
        "004",
        "Single-layer GANs make noise to epoch 500, recognisable digits at 500 to 1200, and get "
        "worse after 1200.",
        "One fully connected layer each, a GAN for each digit, SGD 1e-3, 200 images an epoch, "
        "2000 epochs.",
    ),
    "B11": Claim(
        "004",
        "Adam does not converge to a good image, and a pair of MLPs struggles to make a digit: "
        "both worse than single layers with a constant rate.",
        "As B10 with Adam, and as B10 with a hidden layer of 128 in both.",
    ),
    "B12": Claim(
        "004",
        "The gradients by hand, parts A to E: the sigmoid's derivative is F(1-F), Z^T is the last "
        "factor.",
        "Float64, random weights; autograd is the yardstick.",
    ),
    "B13": Claim(
        "004, 000",
        "A convolutional pair would do better (named as future work).",
        "Our recipe on a small convolutional pair, against B3 and B4 after equal time.",
    ),
}
