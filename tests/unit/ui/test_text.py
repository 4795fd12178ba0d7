"""Words: users' strings stay words, numbers read well, every step has its sentences."""

from pathlib import Path

import pytest

from tl_ui import text

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    "hostile",
    [
        "![x](http://tracker.example/p.png)",
        "[click](javascript:alert(1))",
        "**bold** _it_ `code` ~~gone~~",
        ":material/home: :red[x] :smile:",
        "<b>x</b> &lt;",
        "$x^2$",
        "# head",
        "1. list",
        "- list",
        "a|b",
        "http://tracker.example",
        "www.tracker.example",
    ],
)
def test_every_sign_of_markdown_is_escaped(hostile):
    safe = text.esc_md(hostile)
    for sign in "*_`[]()<>#!|~$:^&":
        assert all(safe[i - 1] == "\\" for i, char in enumerate(safe) if char == sign)
    assert safe.replace("\\", "").replace("\u2060", "") == " ".join(hostile.split())
    assert "://" not in safe.replace("\\", "") and "www." not in safe.replace("\\", "")


def test_a_label_cannot_start_a_new_block():
    assert "\n" not in text.esc_md("cat\n\n# Head\n- item")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "1 s"),
        (8, "8 s"),
        (200, "3 min 20 s"),
        (180, "3 min"),
        (1500, "25 min"),
        (3900, "1 h 5 min"),
        (7200, "2 h"),
    ],
)
def test_durations(seconds, words):
    assert text.duration(seconds) == words


def test_plural():
    assert text.plural(1, "picture") == "1 picture"
    assert text.plural(1200, "picture") == "1,200 pictures"
    assert text.plural(2, "class", "classes") == "2 classes"


def test_the_steps_are_those_of_the_engine_and_each_says_what_is_missing():
    from tl_core.session import STEPS

    assert tuple(step.key for step in text.STEPS) == STEPS
    for step in text.STEPS:
        assert step.purpose.endswith(".") and step.missing.endswith(".") and step.do
    assert text.step_text("home") is text.HOME
    with pytest.raises(KeyError):
        text.step_text("nowhere")
