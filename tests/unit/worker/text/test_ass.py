"""ASS as libass reads it, where scripts are not what they should be."""

import pytest

from videojob_worker.text.ass import read
from videojob_worker.text.cues import LineError

EVENT = "Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,text"
STYLES = "[V4+ Styles]\nFormat: Name, Fontname, Fontsize\nStyle: Default,Sans,20\n"
EVENTS = "[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"


def cues(text: str) -> list[tuple[int, int, str]]:
    return [(cue.start_ms, cue.end_ms, cue.text) for cue in read(text.split("\n"), lambda *_: None)]


def told(text: str) -> list[tuple[int, str]]:
    said: list[tuple[int, str]] = []
    list(read(text.split("\n"), lambda line, what: said.append((line, what))))
    return said


@pytest.mark.parametrize(
    "text",
    [
        EVENTS + EVENT,
        "[Events]\n" + EVENT,  # libass knows the usual order
        "[events] and more\n  " + EVENT,
        "[Script Info]\nPlayResX: 0\nPlayResY: 0\n" + STYLES + EVENTS + EVENT,
        "[Script Info]\nPlayResX: 1280\n" + STYLES + EVENTS + EVENT,
        "[Script Info]\nPlayResX: 1920 px\nPlayResY: -3\n" + STYLES + EVENTS + EVENT,
        "[V4+ Styles]\nStyle: Default,Sans,20\n" + EVENTS + EVENT,
        STYLES + "[Aegisub Extradata]\n" + EVENTS + EVENT,
        "[Events]\nFormat: Start, End, Text, Effect\nDialogue: 0:00:01.00,0:00:02.00,text",
        EVENTS + EVENT + "\nDialogue: 0,0:00:03.00,0:00:03.00,Default,,0,0,0,,never\nComment: 0,a\nnonsense",
    ],
)
def test_what_libass_reads_is_read(text):
    assert cues(text) == [(1000, 2000, "text")]


@pytest.mark.parametrize(
    ("event", "found", "what"),
    [
        ("Dialogue: 0,0:00:01.5,0:00:02.00,Default,,0,0,0,,a", [(1050, 2000, "a")], []),  # hundredths, as in libass
        ("Dialogue: 0,1,0:00:02.00,Default,,0,0,0,,a", [(0, 2000, "a")], ['"1" is no time']),
        ("Dialogue: 0,-1:00:01.00,0:00:02.00,Default,,0,0,0,,a", [(0, 2000, "a")], []),
        ("Dialogue: 0,0:00:01.00", [], ["the event has 2 fields of 10"]),
        ("Dialogue: 0,0:00:02.00,0:00:01.00,Default,,0,0,0,,a", [], ["is never seen"]),
    ],
)
def test_what_libass_skips_or_takes_for_zero_is_told(event, found, what):
    assert cues(EVENTS + event) == found
    assert [part in said for (line, said), part in zip(told(EVENTS + event), what, strict=True)] == [True] * len(what)


@pytest.mark.parametrize("size", ["PlayResX", "PlayResY"])
def test_a_script_of_a_few_pixels_cannot_make_its_letters_huge(size):
    sizes = {"PlayResX": 1280, "PlayResY": 720, size: 2}
    head = "[Script Info]\n" + "".join(f"{name}: {value}\n" for name, value in sizes.items())
    with pytest.raises(LineError, match="letters 20 pixels high are too large"):
        cues(head + STYLES + EVENTS + EVENT)
