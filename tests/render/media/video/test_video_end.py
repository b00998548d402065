"""When a video is over: its packets decide, whatever its header says, and what is behind them is no part of it."""

import itertools
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.ffmpeg import ffmpeg
from tests.render import films
from tests.render.studio import Studio, decode, uri

FPS = Fraction(25)
FAST = {"preset": "ultrafast", "crf": "10"}


def uneven(seed: int, frames: int = 40) -> list[Fraction]:
    """Time stamps of a screen recording: frames come when something moves, up to seconds apart."""
    random = Random(seed)  # noqa: S311 - not a secret
    steps = [Fraction(random.choice((33, 33, 34, 40, 67, 250, 1100)), 1000) for _ in range(frames - 1)]
    return list(itertools.accumulate(steps, initial=Fraction(0)))


@pytest.mark.parametrize("options", [{"bf": "0"}, {"bf": "3", "b_strategy": "0"}, {"bf": "2", "g": "12"}], ids=str)
@pytest.mark.parametrize("name", ["film.mp4", "film.mov", "film.mkv", "fragmented.mp4"])
@pytest.mark.parametrize("seed", range(3))
def test_every_frame_of_an_uneven_video_is_shown(tmp_path: Path, name: str, options: dict[str, str], seed: int) -> None:
    stamps = uneven(seed)
    fragmented = {"movflags": "frag_keyframe+empty_moov"} if name.startswith("frag") else None
    path = films.film(
        tmp_path / name, stamps, tick=Fraction(1, 1000), options={**FAST, **options}, container_options=fragmented
    )
    length_s = films.probe(path).duration_s or 0
    assert stamps[-1] < length_s <= stamps[-1] + Fraction(5, 4)
    count = int(length_s * 50)
    expected = [
        max(place for place, stamp in enumerate(stamps) if stamp <= number / Fraction(50)) for number in range(count)
    ]
    shown = films.shown(path, count, Fraction(50))
    assert shown[-1] == len(stamps) - 1
    assert sum(one != other for one, other in zip(shown, expected, strict=True)) <= count // 20  # stamps are rounded
    assert set(shown) == set(expected)


@pytest.mark.parametrize("source", ["rec.webm", "rec.mkv"])
@pytest.mark.parametrize("target", ["film.mp4", "film.mov", "film.mkv"])
def test_a_recording_made_an_mp4_lasts_as_long_as_before(tmp_path: Path, source: str, target: str) -> None:
    stamps = [Fraction(33 * number, 1000) for number in range(30)] + [
        Fraction(at, 1000) for at in (2000, 5000, 9000, 9900)
    ]
    options = {"deadline": "realtime", "crf": "10", "b": "1M"}
    films.film(tmp_path / source, stamps, rate=Fraction(30), tick=Fraction(1, 1000), codec="libvpx", options=options)
    encode = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "10", "-bf", "3", "-fps_mode", "vfr"]
    ffmpeg("-i", tmp_path / source, *encode, tmp_path / target)
    facts = films.probe(tmp_path / target)
    assert facts.duration_s == pytest.approx(9.933, abs=0.1)
    assert films.shown(tmp_path / target, 249, FPS)[-1] == len(stamps) - 1


@pytest.mark.parametrize("first", [0, 1, 40])
@pytest.mark.parametrize("seed", range(4))
def test_a_recording_without_a_duration_is_as_long_as_a_clip_as_it_is(
    tmp_path: Path, studio: Studio, seed: int, first: int
) -> None:
    """As browsers write: no duration, no rate, a time stamp of whole milliseconds when something moved."""
    stamps = [Fraction(first, 1000), *(Fraction(first, 1000) + stamp + Fraction(7, 1000) for stamp in uneven(seed, 25))]
    options = {"deadline": "realtime", "crf": "10", "b": "1M", "g": "1000"}
    path = films.film(
        tmp_path / "film.webm",
        stamps,
        rate=Fraction(1000),
        tick=Fraction(1, 1000),
        codec="libvpx",
        options=options,
        container_options={"live": "1"},
    )
    length_s = films.probe(path).duration_s or Fraction(0)
    movie = decode(studio.movie([{"video": {"uri": uri(path)}}], files=[path], size=films.SIZE, fps="25"))
    assert len(movie) == round(length_s * FPS)
    last_s = stamps[0] + (len(movie) - 1) / FPS
    assert films.number(movie[-1]) == max(place for place, stamp in enumerate(stamps) if stamp <= last_s)


@pytest.mark.parametrize("segments", ["0123", "23", "1", "3"])
def test_segments_from_the_middle_of_a_stream_end_where_they_end(tmp_path: Path, segments: str) -> None:
    films.steady(tmp_path / "film.mp4", 100, FPS, options={**FAST, "g": "25", "bf": "0"})
    hls = [
        "-c",
        "copy",
        "-f",
        "hls",
        "-hls_time",
        "1",
        "-hls_segment_type",
        "fmp4",
        "-hls_fmp4_init_filename",
        "init.mp4",
    ]
    ffmpeg("-i", tmp_path / "film.mp4", *hls, tmp_path / "s.m3u8")
    path = tmp_path / "part.mp4"
    path.write_bytes(
        b"".join((tmp_path / name).read_bytes() for name in ["init.mp4", *(f"s{one}.m4s" for one in segments)])
    )
    source = films.source(path)
    assert films.probe(path).duration_s == len(segments)
    expected = [int(one) * 25 + number for one in segments for number in range(25)]
    assert films.shown(path, len(expected), FPS) == expected
    assert films.shown(path, len(expected), FPS, reverse=True) == expected[::-1]
    assert not source.warnings.said


def sef() -> bytes:
    """What Samsung's cameras append: records, and a directory of them."""
    record = b"\0\0\1\n" + struct.pack("<I", 14) + b"Image_UTC_Data1700000000000"
    directory = b"SEFH" + struct.pack("<III", 106, 1, 0x0A010000) + struct.pack("<II", len(record), len(record))
    return record + directory + struct.pack("<I", len(directory)) + b"SEFT"


BEHIND: dict[str, Callable[[], bytes]] = {
    "Samsung": sef,
    "Insta360": lambda: bytes(range(1, 200)) * 50 + bytes(32) + b"8db42d694ccc418790edff439fe026bf",
    "a new line": lambda: b"\r\n",
    "a comment": lambda: b"\n<!-- served in 12 ms -->\n",
    "zeroes": lambda: bytes(5000),
    **{f"noise {seed}": lambda seed=seed: Random(seed).randbytes(40 + 999 * seed) for seed in range(5)},  # noqa: S311 - not a secret
}


LAYOUTS: dict[str, dict[str, str]] = {
    "index first": {"movflags": "faststart"},
    "index last": {},
    "fragments": {"movflags": "frag_keyframe+empty_moov"},
}


@pytest.mark.parametrize("behind", BEHIND)
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_what_is_behind_the_last_box_is_no_part_of_a_film(tmp_path: Path, behind: str, layout: dict[str, str]) -> None:
    path = films.steady(tmp_path / "film.mp4", 50, FPS, container_options=layout)
    whole = path.read_bytes()
    path.write_bytes(whole + BEHIND[behind]())
    source = films.source(path)
    assert films.probe_video(source).duration_s == 2
    assert films.shown(path, 50, FPS) == list(range(50))
    if layout is LAYOUTS["fragments"] and behind in {"Samsung", "Insta360", "a comment"}:
        assert "bytes that are no part of an MP4 file, and are not read" in source.warnings.said[0]
    if layout is LAYOUTS["index first"]:  # what is missing is found all the same
        path.write_bytes(whole[:-200] + BEHIND[behind]()[:100])
        films.probe_video(source)
        assert "is cut short" in " ".join(source.warnings.said)


def scaled(data: bytearray, at: int, factor: Fraction, size: int) -> None:
    data[at : at + size] = min(int(int.from_bytes(data[at : at + size]) * factor), (1 << 8 * size) - 1).to_bytes(size)


@pytest.mark.parametrize(
    "factor", [Fraction(0), Fraction(1, 3), Fraction(99, 100), Fraction(3, 2), Fraction(10**9)], ids=str
)
@pytest.mark.parametrize("bframes", ["0", "2"])
def test_durations_of_a_header_are_not_believed(tmp_path: Path, factor: Fraction, bframes: str) -> None:
    path = films.steady(
        tmp_path / "film.mp4", 50, FPS, options={**FAST, "bf": bframes}, container_options={"use_editlist": "0"}
    )
    data = bytearray(path.read_bytes())
    for box, at in ((b"mvhd", 20), (b"mdhd", 20), (b"tkhd", 24)):
        scaled(data, data.index(box) + at, factor, 4)
    path.write_bytes(data)
    assert films.probe(path).duration_s == 2
    assert films.shown(path, 50, FPS) == list(range(50))


@pytest.mark.parametrize("factor", [0.3, 0.9, 1.5, 1e6])
def test_the_duration_of_a_matroska_file_is_not_believed(tmp_path: Path, factor: float) -> None:
    path = films.steady(tmp_path / "film.mkv", 50, FPS)
    data = bytearray(path.read_bytes())
    at = data.index(b"\x44\x89\x88") + 3
    data[at : at + 8] = struct.pack(">d", struct.unpack(">d", data[at : at + 8])[0] * factor)
    path.write_bytes(data.replace(b"DURATION", b"NOTATION"))
    assert films.probe(path).duration_s == 2
    assert films.shown(path, 50, FPS) == list(range(50))


@pytest.mark.parametrize(
    ("seconds", "fps", "speed"),
    [
        (Fraction(1265, 1000), 25, 1),
        (Fraction(1265, 1000), 25, 4),
        (Fraction(7, 5), 1, 1),
        (Fraction(8, 5), 1, 1),
        (Fraction(13, 5), 1, 4),
        (Fraction(19, 15), 24, 3),
    ],
)
def test_a_clip_as_long_as_its_video_is_never_too_short(
    tmp_path: Path, studio: Studio, seconds: Fraction, fps: int, speed: int
) -> None:
    """The rates of both differ, and frames of the timeline are counted to the nearest."""
    stamps = [number * Fraction(1, 120) for number in range(int(seconds * 120))]
    path = films.film(tmp_path / "film.mp4", stamps, rate=Fraction(120))
    video: dict[str, Any] = {"uri": uri(path), "speed": speed}
    movie = decode(studio.movie([{"video": video}], files=[path], size=films.SIZE, fps=str(fps)))
    assert len(movie) == max(1, round(Fraction(len(stamps), 120) / speed * fps))


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
@pytest.mark.parametrize("rate", [5, 15, 25])
def test_frames_that_are_shown_long_after_they_are_decoded_are_no_new_recording(
    tmp_path: Path, codec: str, rate: int
) -> None:
    """Of a stream of few frames a second, those of which others are made come more than a second early."""
    plain = films.steady(tmp_path / "plain.mkv", 60, Fraction(rate))
    settings = (
        ["-x264-params", "bframes=8:b-adapt=0"]
        if codec == "libx264"
        else ["-x265-params", "log-level=none:bframes=8:b-adapt=0"]
    )
    ffmpeg("-i", plain, "-c:v", codec, "-preset", "veryfast", "-crf", "10", *settings, path := tmp_path / "film.ts")
    assert films.probe(path).duration_s == pytest.approx(60 / rate, abs=0.01)
    assert films.shown(path, 60, Fraction(rate)) == list(range(60))
