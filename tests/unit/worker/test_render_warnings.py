from pathlib import Path

from videojob_contract.resources.status import MAX_WARNING, MAX_WARNINGS
from videojob_worker.media.files.source import Source
from videojob_worker.render_warnings import RenderWarnings


def test_a_warning_names_its_field_and_no_password():
    warnings = RenderWarnings()
    Source("spec.clips[0].image.uri", "https://me:secret@host/a.jpg", Path("/x"), warnings).warn("ends early")
    assert warnings.said == ("spec.clips[0].image.uri: https://host/a.jpg ends early",)


def test_the_same_is_said_once_and_the_order_stays():
    warnings = RenderWarnings()
    for word in ("b", "a", "b"):
        warnings.add(word)
    assert warnings.said == ("b", "a")


def test_a_flood_of_long_ones_is_bounded_and_says_how_much_more_there_was():
    warnings = RenderWarnings()
    for number in range(1000):
        warnings.add(f"{number} {'x' * 10_000}")
    assert len(warnings.said) == MAX_WARNINGS
    assert max(map(len, warnings.said)) == MAX_WARNING
    assert warnings.said[-1] == f"and {1000 - MAX_WARNINGS + 1} more warnings"
