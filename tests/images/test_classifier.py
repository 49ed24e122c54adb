"""The classifier on small images; on MNIST itself with --slow."""

import logging
import subprocess
import threading
import time
from dataclasses import replace

import pytest
import torch

from lab.config.errors import UserError
from lab.images.classifier import RECIPE, load_classifier, train_classifier
from lab.images.datasets import load, to_float
from tests.command_line import run_code
from tests.images.small_data import QUICK, bars

TRAIN, TEST = bars(200, seed=0, side=12), bars(60, seed=1, side=12)


MEASURING = """
import sys
from lab.images.datasets import to_float
from lab.images.evaluation import held_out_auc
from lab.images.quality import fid
from tests.images.test_classifier import QUICK, TEST, TRAIN, train_classifier
classifier = train_classifier(TRAIN, QUICK)
images = to_float(TEST.pixels)
features = classifier.read(images).features
fid(features, features)
held_out_auc(lambda images: classifier(images)[0][:, 0], TEST, images)
heavy = {"torch._dynamo", "torchmetrics", "scipy"} & set(sys.modules)
assert not heavy, heavy
"""


def same(one, other):
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return all(torch.equal(mine, yours) for mine, yours in pairs)


def test_it_learns_and_keeps_what_it_learned(tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        classifier = load_classifier(TRAIN, TEST, tmp_path, QUICK)
        assert "training the classifier of bars" in caplog.text
        caplog.clear()
        again = load_classifier(TRAIN, TEST, tmp_path, QUICK)
        assert caplog.text == ""
    assert same(classifier, again)
    threads, random = torch.get_num_threads(), torch.get_rng_state()
    assert same(classifier, train_classifier(TRAIN, QUICK))  # the same recipe, the same weights
    assert not same(
        classifier, train_classifier(TRAIN, replace(QUICK, seed=1, threads=threads + 1))
    )
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), random)
    assert classifier.test_accuracy == again.test_accuracy == 1
    assert classifier.checksum == again.checksum != ""
    assert not classifier.training
    assert classifier.classes == ("a", "b", "c")
    at_once, in_parts = (classifier.read(to_float(TEST.pixels), size) for size in (60, 7))
    torch.testing.assert_close(
        (at_once.logits, at_once.features), (in_parts.logits, in_parts.features)
    )


def test_training_and_measuring_import_nothing_that_is_slow():
    run_code(MEASURING)


def test_other_images_or_another_recipe_have_a_classifier_of_their_own(tmp_path):
    one = replace(QUICK, steps=1)
    for train, recipe in (
        (TRAIN, one),
        (bars(200, seed=2, side=12), one),
        (TRAIN, replace(one, seed=1)),
    ):
        load_classifier(train, TEST, tmp_path, recipe)
    assert len(list((tmp_path / "judges").glob("bars-*.safetensors"))) == 3


@pytest.mark.parametrize("damage", ["truncated", "changed", "no checksum", "wrong checksum"])
def test_a_damaged_classifier_is_trained_again(tmp_path, caplog, damage):
    classifier = load_classifier(TRAIN, TEST, tmp_path, QUICK)
    (path,) = (tmp_path / "judges").glob("*.safetensors")
    checksum = path.with_name(path.name + ".sha256")
    content = bytearray(path.read_bytes())
    if damage == "truncated":
        path.write_bytes(content[:-1])
    elif damage == "changed":
        content[-5] ^= 1
        path.write_bytes(content)
    elif damage == "no checksum":
        checksum.unlink()
    else:
        checksum.write_text("")
    with caplog.at_level(logging.INFO):
        assert same(classifier, load_classifier(TRAIN, TEST, tmp_path, QUICK))
    assert "training the classifier" in caplog.text
    caplog.clear()
    assert same(classifier, load_classifier(TRAIN, TEST, tmp_path, QUICK))
    assert caplog.text == ""


def test_the_checksum_is_one_that_other_tools_can_check(tmp_path):
    load_classifier(TRAIN, TEST, tmp_path, replace(QUICK, steps=1))
    (file,) = (tmp_path / "judges").glob("*.sha256")
    subprocess.run(["sha256sum", "-c", file.name], cwd=file.parent, check=True)


def test_two_at_once_train_once(tmp_path, caplog):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(load_classifier(TRAIN, TEST, tmp_path, QUICK)))
        for _ in range(2)
    ]
    with caplog.at_level(logging.INFO):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert caplog.text.count("training the classifier") == 1
    assert same(*found)


@pytest.mark.parametrize("missing", ["train", "test"])
def test_images_without_labels_have_no_classifier(tmp_path, missing):
    train = replace(TRAIN, labels=None, classes=()) if missing == "train" else TRAIN
    test = replace(TEST, labels=None) if missing == "test" else TEST
    refused = "data=bars: the classifier needs labels of several classes"
    with pytest.raises(UserError, match=refused):
        load_classifier(train, test, tmp_path, QUICK)


@pytest.mark.slow
def test_on_mnist_it_is_right_and_quick(tmp_path):
    data = load({"_target_": "lab.images.published.MNIST", "name": "mnist"})
    begin = time.process_time()  # of one thread, whatever else the machine does
    classifier = load_classifier(data.train, data.test, tmp_path, RECIPE)
    assert time.process_time() - begin < 120
    assert classifier.test_accuracy >= 0.992
