"""Effects are checked by their names, arguments and lengths when a job is accepted, without MoviePy."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.contract.examples import problems
from videojob_contract.effects import EFFECTS, arguments, effects_are_still, length_after
from videojob_contract.effects.catalogue import CATALOGUE
from videojob_contract.resources.timeline import Effect

USABLE = [name for name, signature in EFFECTS.items() if not signature.entry.refused]


def effect(name: str, **args: Any) -> dict[str, Any]:
    return {"name": name, "args": args} if args else {"name": name}


def found(*effects: dict[str, Any], duration: str = "4s") -> list[str]:
    clip = {"color": "#102030", "duration": duration, "effects": list(effects)}
    return [problem.removeprefix("spec.clips[0].effects") for problem in problems(clip)]


def test_the_catalogue_has_what_moviepy_has() -> None:
    assert CATALOGUE.keys() == EFFECTS.keys()
    for name, signature in EFFECTS.items():
        assert set(CATALOGUE[name].kinds) <= set(signature.arguments), name
        assert set(CATALOGUE[name].one_of) <= set(signature.arguments), name


def test_an_unknown_effect_is_told_with_those_that_there_are() -> None:
    [problem] = found(effect("Gammacorection", gamma=2))
    assert problem.startswith('[0].name: "Gammacorection" is no effect of moviepy.vfx; there are AccelDecel, ')
    assert problem.endswith("; did you mean GammaCorrection?")
    assert all(name in problem for name in USABLE)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (effect("GammaCorrection", gamma=1.5), []),
        (effect("GammaCorrection", gama=1.5),
         ["[0].args.gama: GammaCorrection has no such argument; it has gamma (a number above 0); did you mean gamma?",
          "[0].args: GammaCorrection needs gamma (a number above 0)"]),
        (effect("GammaCorrection", gamma=0), ["[0].args.gamma: should be a number above 0, not 0"]),
        (effect("GammaCorrection", gamma="much"), ['[0].args.gamma: should be a number above 0, not "much"']),
        (effect("GammaCorrection", gamma=True), ["[0].args.gamma: should be a number above 0, not true"]),
        (effect("GammaCorrection"), ["[0].args: GammaCorrection needs gamma (a number above 0)"]),
        (effect("InvertColors", much=True), ["[0].args.much: InvertColors has no such argument; it has none"]),
        (effect("HeadBlur", fx=80, fy=[45, 40.5, 60], radius=3), []),
        (effect("HeadBlur", fx="t", fy=[45], radius=3),
         ['[0].args.fx: should be a number, or a list of at least 2 numbers, at even times over the clip, not "t"',
          "[0].args.fy: should be a number, or a list of at least 2 numbers, at even times over the clip, not [45.0]"]),
        (effect("MasksAnd"), ["[0].name: MasksAnd takes another clip, which a spec cannot give it"]),
        (effect("MirrorX", apply_to="mask"),
         ["[0].args.apply_to: is about the parts of a MoviePy clip; here there is the picture alone"]),
        (effect("FreezeRegion", t=1), ["[0].args: FreezeRegion needs one of region, outside_region"]),
        (effect("FreezeRegion", region=[0, 0, 9]),
         ["[0].args.region: should be a list of 4 numbers, the left, top, right and bottom edge, not [0.0, 0.0, 9.0]"]),
        (effect("SlideIn", duration=1, side="up"),
         ['[0].args.side: should be "left", "right", "top" or "bottom", not "up"']),
        (effect("FadeIn", duration=1, initial_color="#ff8000"), []),
        (effect("FadeIn", duration=1, initial_color=[255, 128, 0]), []),
        (effect("FadeIn", duration=1, initial_color="red"),
         ['[0].args.initial_color: should be "#rrggbb" or a list of 3 numbers from 0 to 255, not "red"']),
        (effect("FadeIn", duration=1, initial_color=[256, 0, 0]),
         ['[0].args.initial_color: should be "#rrggbb" or a list of 3 numbers from 0 to 255, not [256.0, 0.0, 0.0]']),
        (effect("SuperSample", d=0.1, n_frames=4.0), []),
        (effect("SuperSample", d=0.1, n_frames=4.5),
         ["[0].args.n_frames: should be an integer from 1 to 64, not 4.5"]),
        (effect("SuperSample", d=0.1, n_frames=9999),
         ["[0].args.n_frames: should be an integer from 1 to 64, not 9999"]),
        (effect("BlackAndWhite", RGB="CRT_phosphor"), []),
        (effect("BlackAndWhite", RGB=[1, 2, 1]), []),
        (effect("Rotate", angle=-30, resample="bilinear", bg_color="#000000", expand=False), []),
        (effect("Freeze", t="end", freeze_duration=1), []),
    ],
)  # fmt: skip
def test_arguments(given: dict[str, Any], expected: list[str]) -> None:
    assert found(given) == expected


@pytest.mark.parametrize(
    ("effects", "expected"),
    [
        ([effect("MultiplySpeed", factor=0.5)], []),
        ([effect("MultiplySpeed", factor=2), effect("TimeSymmetrize")], []),
        ([effect("MultiplySpeed", factor=2)], "2s"),
        ([effect("MultiplySpeed", final_duration=2.5)], "2500ms"),
        ([effect("MakeLoopable", overlap_duration=0.5)], "3500ms"),
        ([effect("MakeLoopable", overlap_duration=9)], "nothing"),
        ([effect("MakeLoopable", overlap_duration=0.5), effect("Loop", duration=4)], []),
        ([effect("MakeLoopable", overlap_duration=0.5), effect("Loop", n=2)], []),
        ([effect("Freeze", t=1, freeze_duration=1)], []),
        ([effect("Freeze", t=1, total_duration=3)], "3s"),
        ([effect("AccelDecel")], []),
        ([effect("AccelDecel", new_duration=3)], "3s"),
        ([effect("TimeMirror"), effect("Loop")], []),
    ],
)
def test_what_is_left_fills_the_clip(effects: list[dict[str, Any]], expected: str | list[str]) -> None:
    if isinstance(expected, str):
        expected = [f": leave {expected} of the clip's 4s: shorten it, or fill it by the effect Loop"]
    assert found(*effects) == expected


def test_a_clip_of_unknown_length_is_left_to_the_render() -> None:
    clip = {"video": {"uri": "volume://m/a.mp4"}, "effects": [effect("MultiplySpeed", factor=2)]}
    assert problems(clip) == []
    assert length_after([Effect(**each) for each in clip["effects"]], Fraction(3)) == Fraction(3, 2)


@pytest.mark.parametrize(
    ("effects", "still"),
    [
        ([], True),
        ([Effect(name="GammaCorrection", args={"gamma": 2}), Effect(name="TimeMirror")], True),
        ([Effect(name="InvertColors"), Effect(name="FadeIn", args={"duration": 1})], False),
        ([Effect(name="HeadBlur", args={"fx": 3, "fy": 4, "radius": 5})], True),
        ([Effect(name="HeadBlur", args={"fx": 3, "fy": [4, 5], "radius": 5})], False),
    ],
)
def test_what_stands_still_under_its_effects(effects: list[Effect], still: bool) -> None:  # noqa: FBT001 - a parameter
    assert effects_are_still(effects) is still


VALUES = (
    st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["left", "deg", "end", "#102030", "x"])
    | st.lists(st.integers(-10, 300) | st.floats(-10, 300), max_size=4)
    | st.just(10**400)
)


@given(data=st.data(), names=st.lists(st.sampled_from([*EFFECTS, "Sepia"]), min_size=1, max_size=4))
def test_whatever_is_said_is_refused_or_can_be_handed_on(data: st.DataObject, names: list[str]) -> None:
    def args(name: str) -> dict[str, Any]:
        known = list(EFFECTS[name].arguments) if name in EFFECTS else []
        return data.draw(st.dictionaries(st.sampled_from([*known, "other"]), VALUES, max_size=4))

    chain = [effect(name, **args(name)) for name in names]
    if found(*chain) == []:
        effects = [Effect(**each) for each in chain]
        assert length_after(effects, Fraction(4)) >= 4
        for each in effects:
            assert arguments(each).keys() == (each.args or {}).keys()


def test_arguments_are_handed_on_as_moviepy_takes_them() -> None:
    def handed(name: str, **args: Any) -> dict[str, Any]:
        return arguments(Effect(name=name, args=args))

    assert handed("FadeIn", duration=1.5, initial_color="#ff8000") == {"duration": 1.5, "initial_color": (255, 128, 0)}
    assert handed("Rotate", angle=3, bg_color=[255, 127.6, 0]) == {"angle": 3, "bg_color": (255, 128, 0)}
    assert handed("FreezeRegion", region=[1, 2, 3, 4]) == {"region": (1, 2, 3, 4)}
    assert handed("Resize", new_size=0.5) == {"new_size": 0.5}
    assert handed("Resize", new_size=[160, 90]) == {"new_size": (160, 90)}
    margin = handed("Margin", left=2.0)
    assert margin == {"left": 2}
    assert isinstance(margin["left"], int)
    assert arguments(Effect(name="InvertColors")) == {}
