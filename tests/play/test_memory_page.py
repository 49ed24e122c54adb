"""The page of memory runs, opened in a browser and used."""

import json
import re

import pytest
from PIL import Image

from lab.config.errors import UserError
from lab.play.tool import write_page

OUTCOME = "document.documentElement.dataset.selftest"
# The digits that are read, as the page shows them, without the last box.
DIGITS = (
    "[...document.querySelectorAll('.strip span')].slice(0, -1).map((s) => s.textContent).join('')"
)
STEP = "Number(document.querySelector('.strip').dataset.t)"
RUN = ".run"


@pytest.fixture(scope="module")
def page(untrained):
    """An LSTM beside an RNN."""
    return write_page([untrained("cell=lstm"), untrained("cell=rnn")])


@pytest.fixture
def tab(browser, page):
    tab = browser.open(page)
    yield tab
    assert tab.complaints == []
    assert tab.requests == []
    tab.close()


@pytest.mark.parametrize(
    "overrides",
    [
        ("cell=irnn", "cell=rnn_orthogonal input=number"),
        ("cell=gru", "cell=min_gru cell.layers=3"),
        ("cell=torch_lstm", "cell=lstm input=number"),
        ("cell=lstm hidden_size=300", "cell=min_gru input=number"),  # 16 bits
        ("cell=min_gru cell.transition=coupled", "cell=min_gru cell.transition=signed"),
    ],
)
def test_every_cell_of_ours_gives_the_numbers_of_pytorch(browser, untrained, overrides):
    tab = browser.open(write_page([untrained(*words.split()) for words in overrides]))
    assert tab.value(OUTCOME) == "ok", tab.text("#banner")
    assert tab.value("tested.values") > 2 * (7 * 10 + 32 + 7) - 1
    assert tab.complaints == []
    tab.close()


STATES = {
    "sequence=group sequence.answers=every": (
        "cell=min_gru cell.transition=signed block.layers=2",
        "cell=gru",
    ),
    "sequence=cycle": ("cell=lstm block.layers=1 block.norm=rms", "cell=rnn input=number"),
    "sequence=parity": ("cell=min_gru cell.transition=coupled cell.layers=1 block.layers=1",),
    "sequence=group sequence.group=a5": ("cell=irnn block.layers=1 block.mlp=0",),
}


@pytest.mark.parametrize("sequence", STATES)
def test_a_page_of_states_gives_the_numbers_of_pytorch_and_the_right_state(
    browser, untrained, sequence
):
    runs = [untrained(*sequence.split(), *words.split()) for words in STATES[sequence]]
    tab = browser.open(write_page(runs))
    assert tab.value(OUTCOME) == "ok", tab.text("#banner")
    tab.key("ArrowLeft")
    tab.key("ArrowUp")
    assert tab.value(STEP) == 7
    shown = "[...document.querySelectorAll('.strip span')].map((s) => s.textContent)"
    symbols = f"{shown}.map((name) => data.runs[0].task.symbols.indexOf(name))"
    answer = tab.value(f"argmax(read(makeCell(data.runs[0]), {symbols}).logits[6])")
    assert int(tab.value("document.querySelector('.run').dataset.answer")) == answer
    for number in range(tab.value("document.querySelectorAll('.tries button').length")):
        tab.value(f"document.querySelectorAll('.tries button')[{number}].click()")
        tab.settle()
    assert tab.value("document.getElementById('banner').hidden")
    assert tab.complaints == []
    tab.close()


def test_two_kinds_of_sequence_do_not_go_into_one_page(untrained):
    for other in ("sequence=group", "seq_len=9"):
        with pytest.raises(UserError, match="only if both read the same kind of sequence"):
            write_page([untrained("sequence=parity", "cell=gru"), untrained(other, "cell=gru")])


def test_a_number_that_differs_is_found_and_a_red_banner_is_shown(browser, page, tmp_path):
    text = page.read_text()
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text)
    values = json.loads(data)
    values["runs"][1]["selftest"]["saliency"][0] += 0.001
    changed = tmp_path / "changed.html"
    changed.write_text(text.replace(data, json.dumps(values)))
    tab = browser.open(changed)
    assert tab.value(OUTCOME) == "failed"
    assert "gradients of rnn" in tab.text("#banner")
    assert tab.value("document.getElementById('banner').offsetHeight") > 20
    tab.close()


def test_keys_step_and_change_a_digit_and_its_mirror_image(tab):
    assert tab.value(STEP) == 7
    before = tab.value(DIGITS)
    assert len(before) == 7
    tab.key("Home")
    tab.key("ArrowRight")
    assert tab.value(STEP) == 2
    new = str((int(before[1]) + 5) % 10)
    tab.key(new)
    assert tab.value(DIGITS) == before[0] + new + before[2:6] + new
    assert f"Digit 2 changed from {before[1]} to {new}" in tab.text(".changed")
    tab.click(".toggle input")  # no longer a palindrome
    tab.key("ArrowDown")
    assert tab.value(DIGITS) == f"{before[0]}{(int(new) + 9) % 10}{before[2:6]}{new}"


def test_a_tick_stands_only_where_every_answer_is_right(tab):
    said = []
    for digit in range(10):
        tab.type("input[type=text]", f"{digit}123321{digit}")
        tab.value("document.activeElement.blur()")  # keys in the field are not steps
        for _ in range(7):
            said.append(tab.text(f"{RUN}:last-child .answer"))
            tab.key("ArrowLeft")
    assert all(("✓" in text) == ("right after every digit" in text) for text in said)
    assert any("which is right here" in text for text in said)
    assert "validation accuracy 10" in tab.text(RUN)


def test_a_drag_over_a_picture_moves_through_the_steps_and_play_goes_to_the_end(tab):
    tab.drag(".run .area", start=(0.9, 0.5), end=(0.2, 0.5))
    assert tab.value(STEP) == 2
    # The answer after the second digit, that of the records.
    shown = tab.value("document.querySelector('.run').dataset.answer")
    digits = [int(digit) for digit in tab.value(DIGITS)]
    computed = tab.value(f"argmax(read(makeCell(data.runs[0]), {digits}).logits[1])")
    assert int(shown) == computed
    tab.key("Home")
    tab.click("button.play")
    tab.wait_for(f"{STEP} === 7")
    tab.wait_for("document.querySelector('button.play').textContent.includes('Play')")


TYPED = {
    "12x21": "“x” is none",
    "12٣21": "“٣” is none",
    "11": "2 digits are given, and T goes from 3 to 500",
    "1" * 501: "501 digits are given",
    "1234": "This is no palindrome",
}


def test_what_is_typed_is_read_or_answered_by_a_clear_line(tab):
    before = tab.value(DIGITS)
    for typed, said in TYPED.items():
        tab.type("input[type=text]", typed)
        assert said in tab.text(".message")
        assert tab.value(DIGITS) == ("123" if typed == "1234" else before)


def test_a_length_beyond_what_the_browser_can_do_in_time_is_refused(tab):
    before = tab.value(DIGITS)
    tab.value("limits.measured = limits.perDigit, limits.perDigit = () => 1, limits.step = 20.5")
    tab.type("input[type=text]", "1" * 200)
    assert "up to T=21 works" in tab.text(".message")
    assert tab.value(DIGITS) == before
    tab.type("input[type=text]", "123454321")
    assert tab.value(DIGITS) == "12345432"
    assert tab.text(".message") == ""
    tab.value("limits.perDigit = limits.measured, 0")


def test_a_run_of_longer_palindromes_than_the_page_reads_begins_with_fewer_digits(
    browser, untrained
):
    tab = browser.open(write_page([untrained("seq_len=2000")]))
    assert tab.value(OUTCOME) == "ok"
    assert 100 < tab.value(f"{DIGITS}.length") <= 499
    tab.value("limits.step = 1e6")
    tab.type("input[type=number]", "500")
    tab.wait_for(f"{DIGITS}.length === 499")
    assert tab.value(f"(() => {{ const d = {DIGITS} + document.querySelector('.last').textContent;"
                     "return d === [...d].reverse().join(''); })()")  # fmt: skip
    assert tab.complaints == []
    tab.close()


def test_every_experiment_can_be_set_up(tab):
    count = tab.value("document.querySelectorAll('.tries button').length")
    assert count >= 5
    for number in range(count):
        tab.value(f"document.querySelectorAll('.tries button')[{number}].click()")
        tab.settle()
    assert tab.value("document.getElementById('banner').hidden")


def test_a_phone_shows_all_without_scrolling_sideways_and_a_finger_can_drag(browser, page):
    tab = browser.open(page, width=390, height=844, dark=True)
    assert tab.value(OUTCOME) == "ok"
    assert tab.value("document.documentElement.scrollWidth") == 390
    tab.touch(".run .area", start=(0.5, 0.5), end=(0.2, 0.5))
    assert tab.value(STEP) == 2
    tab.type("input[type=text]", "12345678900987654321")
    field = "document.querySelector('input[type=text]')"
    assert tab.value(f"{field}.scrollWidth <= {field}.clientWidth"), "the digits are cut"
    tab.close()


def test_a_cell_of_the_users_own_is_not_built_and_the_recorded_pictures_are_shown(
    browser, untrained
):
    run = untrained("cell=rnn")
    config = run.config_file
    config.write_text(config.read_text().replace("lab.memory.cells.RNN", "nowhere.TheirCell"))
    (run.path / "figures").mkdir()
    Image.new("L", (8, 8)).save(run.path / "figures" / "learning_curves.png")
    page = write_page([run])
    tab = browser.open(page)
    assert tab.value(OUTCOME) == "ok"
    assert "no equations for the cell nowhere.TheirCell" in tab.text(".notice")
    assert tab.text("figcaption") == "learning curves"
    assert tab.value("document.querySelector('img').src.startsWith('data:image/png')")
    assert tab.requests == []
    tab.close()
    both = browser.open(write_page([untrained("cell=lstm"), run]))
    assert both.value("document.querySelectorAll('.strip, .notice').length") == 2
    both.close()
