"""Every number can be opened to what it means, how it was computed and what would change it."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from tl_ui.texts import meanings as text


def test_the_three_answers_are_behind_one_button() -> None:
    def page() -> None:
        from tl_ui.texts.meanings import Meaning
        from tl_ui.views.meaning import explained

        explained(
            Meaning(means="9 of 10", computed="By 5 folds", changes="More *pictures*"), key="q"
        )

    app = AppTest.from_function(page).run()
    assert not app.exception
    told = " ".join(one.value for one in app.markdown)
    for part in (text.MEANS, "9 of 10", text.COMPUTED, "By 5 folds", text.CHANGES):
        assert part in told
    assert "\\*pictures\\*" in told
