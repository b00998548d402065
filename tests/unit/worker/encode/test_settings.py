"""Which frames of an output have to be keyframes."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from videojob_contract.resources.outputs import Codec
from videojob_worker.encode.settings import VideoSettings


def settings(fps: Fraction, cut_s: Fraction | None) -> VideoSettings:
    return VideoSettings(Codec.H264, "libx264", 64, 48, fps, cut_s=cut_s)


@given(
    st.sampled_from([Fraction(25), Fraction(30000, 1001), Fraction(24000, 1001), Fraction(60), Fraction(1)]),
    st.fractions(Fraction(1, 10), 10, max_denominator=1000),
    st.integers(0, 500),
    st.integers(1, 300),
)
def test_the_first_frame_at_or_after_each_cut_is_a_keyframe(
    fps: Fraction, cut_s: Fraction, start: int, frames: int
) -> None:
    step = cut_s * fps
    expected = {frame for frame in range(start, start + frames) if frame and frame // step > (frame - 1) // step}
    assert settings(fps, cut_s).cuts(start, frames) == expected


def test_without_cuts_no_frame_has_to_be_one() -> None:
    assert settings(Fraction(25), None).cuts(0, 100) == frozenset()
