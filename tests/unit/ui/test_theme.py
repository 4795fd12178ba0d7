"""The palette is readable in both modes (WCAG AA), and the settings keep the studio private."""

import tomllib
from pathlib import Path

import pytest

CONFIG = tomllib.loads(
    (Path(__file__).parents[3] / ".streamlit" / "config.toml").read_text(encoding="utf-8")
)
WHITE = "#ffffff"


def luminance(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_text_reads_on_every_surface(mode):
    theme = CONFIG["theme"][mode]
    side = theme["sidebar"]
    for surface in ("backgroundColor", "secondaryBackgroundColor"):
        assert contrast(theme["textColor"], theme[surface]) >= 7
        assert contrast(theme["linkColor"], theme[surface]) >= 4.5
        assert contrast(side["textColor"], side[surface]) >= 7
        assert contrast(side["linkColor"], side[surface]) >= 4.5


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("family", ["red", "orange", "yellow", "green", "blue", "gray"])
def test_coloured_text_reads_on_its_own_background(mode, family):
    theme = CONFIG["theme"][mode]
    words, behind = theme[f"{family}TextColor"], theme[f"{family}BackgroundColor"]
    assert contrast(words, behind) >= 4.5
    assert contrast(theme["textColor"], behind) >= 7


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_main_button_reads_and_is_seen(mode):
    theme = CONFIG["theme"][mode]
    assert contrast(WHITE, theme["primaryColor"]) >= 4.5
    assert contrast(theme["primaryColor"], theme["backgroundColor"]) >= 3


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_curves_are_seen_on_the_page(mode):
    theme = CONFIG["theme"][mode]
    for color in theme["chartCategoricalColors"]:
        assert contrast(color, theme["backgroundColor"]) >= 3, color
    assert len(theme["chartSequentialColors"]) == len(theme["chartDivergingColors"]) == 10


def test_the_studio_stays_on_this_machine_and_calls_nobody():
    assert CONFIG["server"]["address"] == "127.0.0.1"
    assert set(CONFIG["server"]["allowedHosts"]) <= {"localhost", "127.0.0.1"}
    assert CONFIG["browser"]["gatherUsageStats"] is False
    assert CONFIG["client"]["showErrorDetails"] == "none"
    assert CONFIG["runner"]["postScriptGC"] is False
    assert "enableCORS" not in CONFIG["server"]
    assert "http" not in str(CONFIG["theme"])


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_captions_read_although_streamlit_fades_them(mode):
    theme = CONFIG["theme"][mode]
    for behind in (
        theme["backgroundColor"],
        theme["secondaryBackgroundColor"],
        theme["sidebar"]["backgroundColor"],
    ):
        assert contrast(faded(theme["textColor"], behind), behind) >= 4.5


def faded(color: str, behind: str, share: float = 0.6) -> str:
    parts = (
        round(share * int(color[i : i + 2], 16) + (1 - share) * int(behind[i : i + 2], 16))
        for i in (1, 3, 5)
    )
    return "#" + "".join(f"{part:02x}" for part in parts)
