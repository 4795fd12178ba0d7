"""Names of classes: clean, limited, never twice by accident."""

from __future__ import annotations

import pytest

from tl_core.data.naming import class_name, known_name, same_name
from tl_core.errors import ConfigError


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" big  bees ", "big bees"),
        ("a\nb\tc", "a b c"),
        ("Cafe\u0301", "Caf\u00e9"),  # composed, as other systems write it
        ("evil\u202egnp", "evilgnp"),
        ("蜜蜂", "蜜蜂"),
        ("x" * 80, "x" * 80),
    ],
)
def test_a_name_is_cleaned(typed: str, kept: str) -> None:
    assert class_name(typed) == kept


@pytest.mark.parametrize("typed", ["", "   ", "\u200b", "\u200b \ufeff", "\x00", "x" * 81])
def test_a_name_of_nothing_or_too_much_is_refused(typed: str) -> None:
    with pytest.raises(ConfigError, match="1 to 80 characters"):
        class_name(typed)


def test_a_name_that_differs_in_capitals_means_the_class_that_is_there() -> None:
    assert known_name(" ANTS", ["ants", "bees"]) == "ants"
    assert known_name("Straße", ["STRASSE"]) == "STRASSE"
    assert known_name("wasps", ["ants", "bees"]) == "wasps"
    assert known_name("Ants", ["Ants", "ants"]) == "Ants"  # folders brought both
    assert same_name("e\u0301t\u00e9", "\u00e9te\u0301") and not same_name("ant", "ants")
