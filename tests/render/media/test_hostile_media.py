"""Media made to do harm: nothing else is opened, nothing grows, and the message names the source and what is wrong."""

import ctypes
import os
import re
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from tests.ffmpeg import ffmpeg
from tests.render import films
from videojob_contract.errors import PermanentError, Reason
from videojob_contract.resources.damage import OnDamage
from videojob_worker.media.probe import probe_picture

FPS = Fraction(25)
NAMED = r"^spec\.clips\[0\]\.video\.uri: volume://media/film\.mp4 "
_IN_ACCESS_OR_OPEN = 0x01 | 0x20


@contextmanager
def untouched(path: Path) -> Iterator[None]:
    """Fail when a file is opened, by whichever library, while the block runs."""
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_init1(os.O_NONBLOCK)
    try:
        assert libc.inotify_add_watch(watch, os.fsencode(path), _IN_ACCESS_OR_OPEN) >= 0
        yield
        with pytest.raises(BlockingIOError):
            os.read(watch, 4096)
    finally:
        os.close(watch)


def test_the_watch_sees_a_file_being_opened(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    canary.write_text("secret")
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"), untouched(canary):
        canary.read_text()


LISTS = {
    "playlist": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}\n#EXT-X-ENDLIST\n",
    "nested": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nconcat:{path}|subfile,,start,0,end,9,,:{path}\n",
    "concat": "ffconcat version 1.0\nfile {path}\n",
    "files": "file '{path}'\n",
    "dash": "<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011'><Period><AdaptationSet><Representation>"
    "<BaseURL>{url}</BaseURL></Representation></AdaptationSet></Period></MPD>",
    "svg": "<svg xmlns='http://www.w3.org/2000/svg'><image href='{url}'/></svg>",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
}
SAID = {"playlist": "playlist", "nested": "playlist", "concat": "playlist", "dash": "DASH manifest", "svg": "SVG"}


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("probe", [films.probe, lambda path: probe_picture(films.source(path))], ids=["video", "image"])
def test_lists_of_other_files_open_none_of_them(tmp_path: Path, name: str, probe: Callable[[Path], object]) -> None:
    canary = films.steady(tmp_path / "canary.mp4", 3, FPS)
    path = tmp_path / "film.mp4"
    path.write_text(LISTS[name].format(path=canary, url=canary.as_uri()))
    with untouched(canary), pytest.raises(PermanentError, match=f"{NAMED}is an? {SAID.get(name, 'text')} file, not "):
        probe(path)


def test_a_film_that_says_its_frames_are_in_another_file_does_not_get_them(tmp_path: Path) -> None:
    path = films.steady(tmp_path / "film.mp4", 5, FPS)
    canary = films.steady(tmp_path / "canary.mp4", 5, FPS)
    data = path.read_bytes()
    at = data.index(b"url \0\0\0\1")
    # The only entry of `dref`, whose flag says "in this file": no longer.
    path.write_bytes(data[: at + 7] + b"\0" + data[at + 8 :])
    with untouched(canary):
        assert films.shown(path, 5, FPS) == [0, 1, 2, 3, 4]


def test_names_that_are_patterns_are_names(tmp_path: Path) -> None:
    canary = films.steady(tmp_path / "film-001.mp4", 3, FPS)
    path = canary.rename(tmp_path / "canary.mp4").rename(tmp_path / "film-%03d.mp4")
    other = films.steady(tmp_path / "film-001.mp4", 3, FPS)
    with untouched(other):
        assert films.shown(path, 3, FPS) == [0, 1, 2]


def test_the_extension_means_nothing(tmp_path: Path) -> None:
    assert films.shown(films.steady(tmp_path / "film.mp4", 3, FPS).rename(tmp_path / "film.jpg"), 3, FPS) == [0, 1, 2]


def refused(path: Path, says: str, reason: Reason = Reason.INVALID_MEDIA, frames: int = 50) -> None:
    """Check that a film of `frames` frames is refused, by the probe or at the latest when its frames are asked for."""
    with pytest.raises(PermanentError, match=NAMED + says) as caught:
        films.shown(path, frames, FPS)
    assert caught.value.reason is reason


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """50 frames, the index in front of them, a keyframe every ten."""
    options = {"preset": "ultrafast", "crf": "10", "g": "10"}
    return films.steady(tmp_path / "film.mp4", 50, FPS, options=options, container_options={"movflags": "faststart"})


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is an empty file, not an MP4, MOV, WebM, MKV, AVI, MPEG, FLV, WMV or Ogg video"),
        (b"nothing here\n", "is a text file, not"),
        (b"\x89PNG\r\n\x1a\n" + bytes(99), "is a PNG file, not"),
        (b"RIFF\x10\0\0\0AVI " + bytes(99), "is a damaged AVI file"),
        ((b"G" + bytes(187)) * 4, "is a(n MPEG transport stream file without pictures| damaged MPEG transport stream)"),
        (b"FLV\1\5\0\0\0\x09" + bytes(99), "is a(n FLV file without pictures| damaged FLV file)"),
        (b"\x30\x26\xb2\x75" + bytes(99), "is a damaged Windows Media file"),
        (b"\0\0\1\xba" + bytes(99), "is a(n MPEG program stream file without pictures| damaged MPEG program stream)"),
        (b"OggS" + bytes(99), "is a(n Ogg file without pictures| damaged Ogg file)"),
        (b"\0\0\0\x14ftypisom" + bytes(8), "is cut short or unfinished: it is an MP4 file without an index"),
        (b"\0\0\0\x14ftypisom" + bytes(8) + b"\0\0\0\x10moov\0\0\0\x08trak", "is an MP4 file without pictures"),
        (b"\0\0\0\x14ftypisom" + bytes(8) + b"\0\0\0\x10moov\0\0\0\x20trak", "is a damaged MP4 file: its boxes"),
        (b"\0\0\0\x14ftypisom" + bytes(8) + b"\0\0\0\x01moov" + b"\xff" * 8, "is cut short: 36 of its"),
        (b"\x1aE\xdf\xa3\x80\x18S\x80g\x80", "is a damaged Matroska file"),
        (b"\x1aE\xdf\xa3" + b"\xff" * 60, "is a damaged Matroska file"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_video_is_refused_by_name(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(content)
    refused(path, says)


def cut(path: Path, share: Fraction) -> tuple[int, int]:
    """Cut a file off, and return how many of its bytes are left, and how many there were."""
    whole = path.stat().st_size
    os.truncate(path, int(whole * share))
    return int(whole * share), whole


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi"])
def test_films_that_were_cut_off_are_shown_as_far_as_they_go(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"film.{suffix}"
    ffmpeg(
        "-i",
        films.steady(tmp_path / "plain.mkv", 50, FPS),
        "-c:v",
        "mjpeg",
        "-q:v",
        "2",
        "-movflags",
        "faststart",
        path,
    )
    left, _ = cut(path, Fraction(7, 10))
    source = films.source(path)
    length_s = films.probe_video(source).duration_s or 0
    assert 1 <= length_s < Fraction(8, 5)
    shown = int(length_s * FPS)
    assert films.shown(path, shown, FPS) == list(range(shown))
    assert f"is cut short: {left:,} of its" in source.warnings.said[0]
    refused(path, "lasts 1.*s: too short for 2s of the timeline", Reason.INVALID_SPEC)
    with pytest.raises(PermanentError, match=f"is cut short: {left:,} of its"):
        films.probe_video(replace(source, on_damage=OnDamage.FAIL))
    cut(path, Fraction(1, 2))
    refused(path, r"is cut short: [\d,]+ of its [\d,]+ bytes are there")


def test_a_film_that_was_cut_off_before_its_index_is_none(tmp_path: Path) -> None:
    path = films.steady(tmp_path / "last.mp4", 50, FPS)
    cut(path, Fraction(6, 10))
    refused(path, "is cut short")


def test_frames_that_only_the_header_has_are_not_waited_for(tmp_path: Path) -> None:
    path = films.steady(tmp_path / "film.mp4", 60, FPS, container_options={"use_editlist": "0"})
    data = bytearray(path.read_bytes())
    stts, mdhd = data.index(b"stts"), data.index(b"mdhd")
    delta = int.from_bytes(data[stts + 16 : stts + 20])
    data[stts + 12 : stts + 16] = (100).to_bytes(4)
    data[mdhd + 20 : mdhd + 24] = (100 * delta).to_bytes(4)
    path.write_bytes(data)
    assert films.shown(path, 60, FPS) == list(range(60))
    source = films.source(path)
    films.probe_video(source)
    assert source.warnings.said == (f"{source.name} says that it lasts 4.00s, and its pictures end at 2.40s",)
    refused(path, r"lasts 2\.4s: too short for 4s of the timeline", Reason.INVALID_SPEC, frames=100)


def harm(path: Path, how: str) -> None:
    """Damage the second of five parts of the frames of a film."""
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat")
    first, last = start + (len(data) - start) * 2 // 5, start + (len(data) - start) * 3 // 5
    if how == "zeroes":
        data[first:last] = bytes(last - first)
    else:
        for at in range(first, last, 50):
            data[at] ^= 0x10
    path.write_bytes(data)


@pytest.mark.parametrize("how", ["zeroes", "flips"])
def test_damage_is_told_where_it_is_seen_and_only_there(film: Path, how: str) -> None:
    harm(film, how)
    for stretch, first, last in (({"to": "400ms"}, 0, 10), ({"from": "1600ms"}, 40, 50), ({}, 0, 50)):
        source = films.source(film)
        layer = films.layer(film, last - first, FPS, of=source, **stretch)
        shown = [films.number(picture) for picture in layer.pictures(0, last - first)]
        if stretch:
            assert (shown, source.warnings.said) == (list(range(first, last)), ())
        else:
            assert shown[:10] + shown[-10:] == [*range(10), *range(40, 50)]
            assert re.search(
                r"is damaged between [01]\.\d\ds and [01]\.\d\ds: \d+ frames, and", source.warnings.said[0]
            )


@pytest.mark.parametrize("how", ["zeroes", "flips"])
def test_damage_is_an_error_where_a_film_must_be_whole(film: Path, how: str) -> None:
    harm(film, how)
    whole = replace(films.source(film), on_damage=OnDamage.FAIL)
    assert len(list(films.layer(film, 10, FPS, of=whole, to="400ms").pictures(0, 10))) == 10
    said = r"is a damaged video: (a frame near|the frame at) \d\.\d\ds (cannot be decoded|is not whole)"
    with pytest.raises(PermanentError, match=NAMED + said):
        list(films.layer(film, 50, FPS, of=whole).pictures(0, 50))


def test_every_bit_flip_ends_in_frames_or_in_a_message(film: Path) -> None:
    whole = film.read_bytes()
    for at in range(0, len(whole), len(whole) // 60):
        data = bytearray(whole)
        data[at] ^= 0xFF
        film.write_bytes(data)
        try:
            films.shown(film, 50, FPS)
        except PermanentError as error:
            assert error.message.startswith("spec.clips[0].video.uri: volume://media/film.mp4 ")  # noqa: PT017


def test_too_many_pixels_are_refused_before_room_is_made_for_them(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "color=s=16x16:d=0.2", "-c:v", "png", tmp_path / "film.mov")
    data = bytearray((tmp_path / "film.mov").read_bytes())
    entry, header = data.index(b"png \0\0\0\0"), struct.pack(">4sII", b"IHDR", 16, 16)
    data = data.replace(header, struct.pack(">4sII", b"IHDR", 60_000, 60_000))
    (tmp_path / "film.mov").write_bytes(data)
    refused(tmp_path / "film.mov", "is a damaged video: a frame near 0.0.s cannot be decoded", frames=1)
    data[entry + 28 : entry + 32] = struct.pack(">HH", 60_000, 60_000)
    (tmp_path / "film.mov").write_bytes(data)
    says = "has pictures of more than 35 megapixels, or does not say how large they are"
    refused(tmp_path / "film.mov", says, Reason.SOURCE_TOO_LARGE, frames=1)


def test_films_of_days_are_refused(tmp_path: Path) -> None:
    path = films.film(tmp_path / "film.mkv", [Fraction(0), Fraction(90_000)], tick=Fraction(1, 1000))
    refused(path, r"lasts 25\.0 hours; at most 24 are allowed", Reason.SOURCE_TOO_LARGE)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_too_many_streams_are_refused(tmp_path: Path, suffix: str) -> None:
    maps = ["-map", "0:v"] * 70
    path = tmp_path / f"film.{suffix}"
    ffmpeg("-f", "lavfi", "-i", "color=s=16x16:d=0.1", *maps, "-c:v", "mpeg4", path)
    refused(path, "claims to have 6[5-9] tracks and attachments|claims to have 70 tracks", Reason.SOURCE_TOO_LARGE)


def test_too_many_and_too_large_attachments_are_refused(tmp_path: Path) -> None:
    film = films.steady(tmp_path / "film.mkv", 3, FPS)
    for size, count, says in (
        (10, 70, "claims to have"),
        (65 << 20, 1, "has 65 MiB of metadata; at most 64 MiB are allowed"),
    ):
        (tmp_path / "font.ttf").write_bytes(b"\0")
        os.truncate(tmp_path / "font.ttf", size)
        attach = ["-attach", tmp_path / "font.ttf"] * count
        types = [word for place in range(count) for word in (f"-metadata:s:t:{place}", "mimetype=font/ttf")]
        ffmpeg("-i", film, "-c", "copy", *attach, *types, tmp_path / "more.mkv")
        refused(tmp_path / "more.mkv", says, Reason.SOURCE_TOO_LARGE, frames=3)


def test_huge_metadata_of_an_mp4_is_refused(film: Path) -> None:
    with film.open("ab") as file:
        file.write((65 << 20).to_bytes(4) + b"udta")
    os.truncate(film, film.stat().st_size - 8 + (65 << 20))
    refused(film, "has 65 MiB of metadata; at most 64 MiB are allowed", Reason.SOURCE_TOO_LARGE)


def test_a_few_bytes_that_claim_thousands_of_millions_of_frames_are_refused(film: Path) -> None:
    data = bytearray(film.read_bytes())
    at = data.index(b"stsz")
    data[at + 8 : at + 16] = struct.pack(">II", 1, 0xFFFFFFF0)
    film.write_bytes(data)
    says = "claims to have 4,294,967,280 frames and blocks of sound; at most 20,000,000 are allowed"
    refused(film, says, Reason.SOURCE_TOO_LARGE)


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "sine=d=1", tmp_path / "film.m4a")
    refused(tmp_path / "film.m4a", "is an MP4 file without pictures")


def test_codecs_that_nobody_needs_stay_shut(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "color=s=16x16:d=0.2", "-c:v", "cinepak", tmp_path / "film.mkv")
    refused(tmp_path / "film.mkv", "has pictures in cinepak, which is not read here")
