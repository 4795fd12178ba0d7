"""What the browser components are told."""

import math
from typing import Any

import pytest

from tl_core.events import EpochDone, RunStarted, StepDone
from tl_core.jobs.view import RunView
from tl_ui.components.curves import TAIL, payload, sentence
from tl_ui.components.files import script, style
from tl_ui.components.uploader import SCRIPTS


def epoch(n: int) -> EpochDone:
    return EpochDone(
        epoch=n, train_loss=1 / n, train_acc=0.5, fit_acc=0.8, val_loss=2 / n, val_acc=0.75,
        n_fit=100, n_val=40, lr=1e-3, is_best=n == 2,
    )  # fmt: skip


STARTED = RunStarted(
    model="m", layers="head", epochs=60, steps=4, n_train=100, n_val=40, n_test=40,
    classes=["a", "b"], trainable=1, parameters=2, lr=1e-3, batch_size=8, image_size=64,
    device="cpu", majority=0.55,
)  # fmt: skip


def view(n: int, **more: Any) -> RunView:
    history = tuple(epoch(i) for i in range(1, n + 1))
    return RunView(run_id="t1", started=STARTED, history=history, best_epoch=2, **more)


def test_a_new_tab_gets_everything_and_a_running_one_only_the_tail():
    assert [row[0] for row in payload(view(50), whole=True)["rows"]] == list(range(1, 51))
    tail = payload(view(50), whole=False)
    assert tail["start"] == 50 - TAIL
    assert [row[0] for row in tail["rows"]] == list(range(50 - TAIL + 1, 51))


def test_rows_hold_what_the_curves_draw_in_their_order():
    row = payload(view(2), whole=True)["rows"][1]
    assert row == [2, 0.5, 1.0, 0.8, 0.75, 1e-3]


def test_a_resumed_run_gets_another_mark_so_that_the_browser_starts_over():
    assert (
        payload(view(3), whole=False)["mark"] != payload(view(3, restarts=1), whole=False)["mark"]
    )


def test_the_step_is_shown_only_inside_an_epoch_that_has_not_ended():
    inside = StepDone(epoch=4, step=2, steps=4, loss=0.3, lr=1e-3)
    assert payload(view(3, step=inside), whole=False)["step"] == [3.5, 0.3, 1e-3]
    assert payload(view(4, step=inside), whole=False)["step"] is None


def test_the_words_say_the_latest_values_and_the_best_epoch():
    words = sentence(view(4))
    assert "After epoch 4" in words and "80%" in words and "75%" in words
    assert "best epoch is 2" in words
    assert sentence(RunView(run_id="t1")) == "No epoch has ended yet."


def test_numbers_are_plain_and_finite_for_json():
    for value in payload(view(3), whole=True)["rows"][0]:
        assert isinstance(value, (int, float)) and math.isfinite(value)


@pytest.mark.parametrize(
    ("name", "parts"),
    [("uploader", SCRIPTS), ("curves", ()), ("network", ()), ("picker", ()), ("landing", ())],
)
def test_scripts_put_no_data_into_markup_and_load_nothing_from_elsewhere(name, parts):
    code = script(*(parts or (name,)))
    assert "export default function" in code
    for forbidden in ("eval(", "new Function", "http://", "https://", "document.write"):
        assert forbidden not in code, forbidden
    assert "http" not in style(name)


def test_the_picker_is_told_its_page_and_how_far_it_was_heard():
    from tl_core.jobs.gallery import Picture
    from tl_ui.components.picker import payload as told

    one = Picture(
        id=7, digest="d", path="train/ants/a.png", label="ants", split="val", width=3, height=2,
        group="g1", marked=True,
    )  # fmt: skip
    ack = {"from": "me", "seq": 3}
    body = told([one], {7: [("Size", "3 × 2")]}, {"val": "Validation"}, {}, elsewhere=4, ack=ack)
    assert body["pictures"] == [
        {
            "id": 7, "digest": "d", "path": "train/ants/a.png", "name": "a.png", "label": "ants",
            "part": "Validation", "group": "g1",
            "caption": "", "marked": True, "facts": [["Size", "3 × 2"]],
        }
    ]  # fmt: skip
    assert body["ack"] == ack and body["elsewhere"] == 4


def test_a_message_of_the_picker_is_believed_only_in_its_form():
    from tl_ui.components.picker import MOST, changes_of

    good = {"from": "me", "seq": 2, "changes": [[1, 1], [2, 0], [3, 1]]}
    found = changes_of(good)
    assert found is not None
    assert (found.on, found.off, found.ack) == ((1, 3), (2,), {"from": "me", "seq": 2})
    for bad in (None, 5, {}, {"changes": 3, "seq": 1}, {"changes": [], "seq": "x"}):
        assert changes_of(bad) is None
    odd = changes_of({"seq": 1, "changes": [[1], ["a", 1], None, [4, 1, 1], [2, 1]]})
    assert odd is not None and odd.on == (2,)
    many = changes_of({"seq": 1, "changes": [[n, 1] for n in range(5000)]})
    assert many is not None and len(many.on) == MOST
