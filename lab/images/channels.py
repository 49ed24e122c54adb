"""The classifier of a data set, also of one whose channels are images of another data set."""

from torch import Tensor, nn

from lab.images.classifier import Classifier, load_classifier
from lab.images.datasets import Data, load


class ChannelClassifier(Classifier):
    """Read each channel with one classifier and combine the results.

    The class of an image has one class for each channel. Its probability is the product of their
    probabilities. The features are those of all channels. `test_accuracy` and `checksum` are those
    of the one classifier.

    Args:
        one: the classifier of a channel, with K classes and D features.
        channels: C.
        classes: the names of the K ** C classes; the last channel changes fastest.
    """

    def __init__(self, one: Classifier, channels: int, classes: tuple[str, ...]) -> None:
        nn.Module.__init__(self)  # Classifier's constructor would build layers
        self.one, self.classes, self.checksum = one, classes, one.checksum
        self.feature_count = channels * one.feature_count
        self.register_buffer("test_accuracy", one.test_accuracy)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Logits [B, K ** C] and features [B, C * D] of images [B, C, H, W] in [-1, 1]."""
        logits, features = self.one(images.flatten(0, 1).unsqueeze(1))
        joint = images.new_zeros(len(images), 1)
        for channel in logits.log_softmax(-1).unflatten(0, images.shape[:2]).unbind(1):
            joint = (joint[:, :, None] + channel[:, None, :]).flatten(1)
        return joint, features.unflatten(0, images.shape[:2]).flatten(1)


def classifier_of(data: Data) -> Classifier:
    """Return the classifier that reads these images, from the cache or trained, on the CPU.

    Raises:
        UserError: see `load_classifier`.
    """
    if data.channels_of is None:
        return load_classifier(data.train, data.test)
    one = load(data.channels_of)
    reader = load_classifier(one.train, one.test)
    return ChannelClassifier(reader, data.train.shape[0], data.train.classes).eval()
