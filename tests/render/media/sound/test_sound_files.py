"""Sound as the world writes it: headers that were never right, files that were joined, and damage.

What is heard is compared with what went into the file. Where players differ, what ffmpeg does is right.
"""

import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ffmpeg import ffmpeg
from tests.render.sounds import RATE, Wave, babble, find, write_wav
from videojob_contract.errors import PermanentError
from videojob_contract.resources.damage import OnDamage
from videojob_worker.audio.decoding import decode_sound
from videojob_worker.audio.scratch import Scratch
from videojob_worker.media.files.container_limits import check_container_limits
from videojob_worker.media.files.source import Source

FIRST, SECOND = babble(3, 1), babble(2, 2)
"""What is in the files."""
WAV_HEADER = 44
ID3 = b"ID3\x03\0\0" + bytes((0, 0, 8, 0)) + b"TIT2\0\0\0\x05\0\0\0tale" + bytes(1024 - 15)
APE = b"".join(b"APETAGEX" + struct.pack("<IIII", 2000, 32, 0, part) + bytes(8) for part in (0xA000_0000, 0x8000_0000))


def play(path: Path, *wanted: range, on_damage: OnDamage = OnDamage.CONCEAL) -> tuple[Wave, tuple[str, ...]]:
    """Return the left side of what is heard of a file, and what is said of it."""
    source = Source("spec.audio.tracks[0].uri", "volume://media/x", path, on_damage=on_damage)
    scratch = Scratch(path.with_suffix(".raw"))
    try:
        pcm = decode_sound(source, wanted or (range(20 * RATE),), scratch, lambda _: None, lambda: False)
        return pcm.read(0, wanted[-1].stop if wanted else pcm.end or 0)[0], source.warnings.said
    finally:
        scratch.close()


def check(heard: Wave, *sounds: Wave, likeness: float = 0.9, off: int = 1) -> None:
    """Check that sounds, and nothing else, are heard one after the other; what codecs add may be `off` samples."""
    start = 0
    for sound in sounds:
        # Of the middle, because codecs are at their worst at the ends.
        middle = sound[RATE // 2 : -RATE // 4]
        at, like = find(middle, heard[start : start + len(sound) + off])
        assert like > likeness
        assert at == pytest.approx(RATE // 2, abs=off)
        start += at - RATE // 2 + len(sound)
    assert len(heard) == pytest.approx(start, abs=off)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sounds")
    write_wav(path / "first.wav", np.rint(FIRST * 32767)[:, None].repeat(2, axis=1))
    write_wav(path / "second.wav", np.rint(SECOND * 32767)[:, None].repeat(2, axis=1))
    return path


@pytest.fixture
def make(folder: Path, tmp_path: Path) -> Callable[..., bytes]:
    """Encode one of the sounds, and return the file."""

    def encode(name: str, *options: str, sound: str = "first") -> bytes:
        ffmpeg("-i", folder / f"{sound}.wav", *options, tmp_path / name)
        return (tmp_path / name).read_bytes()

    return encode


@pytest.fixture
def put(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(content: bytes) -> Path:
        path = tmp_path / "sound"
        path.write_bytes(content)
        return path

    return write


def sized(wav: bytes, riff: int, data: int) -> bytes:
    """Say other sizes in the header of a WAV."""
    return b"".join((wav[:4], struct.pack("<I", riff), wav[8:40], struct.pack("<I", data), wav[WAV_HEADER:]))


@pytest.mark.parametrize(
    ("riff", "data"),
    [
        pytest.param(0, 0, id="zero"),
        pytest.param(0xFFFF_FFFF, 0xFFFF_FFFF, id="largest"),
        pytest.param(0xFFFF_FFFF, 0xFFFF_FFFF - 36, id="largest less the header"),
        pytest.param(0x7FFF_FFFF, 0x7FFF_FFFF, id="largest of 31 bits"),
        pytest.param(0x7FFF_F024, 0x7FFF_F000, id="SoX into a pipe"),
        pytest.param(2_000_000_036, 2_000_000_000, id="a round number"),
        pytest.param(0xFFFF_FFFF, 0, id="largest and zero"),
        pytest.param(3 * 2 * 2 * RATE + 44, 3 * 2 * 2 * RATE, id="RIFF counts all of the header"),
        pytest.param(3 * 2 * 2 * RATE + 36 + 148, 3 * 2 * 2 * RATE, id="a tag that is gone"),
        pytest.param(3 * 2 * 2 * RATE + 36, 3 * 2 * 2 * RATE + 44, id="data counts the header"),
        pytest.param(3 * 2 * 2 * RATE + 36, 0, id="data left out"),
        pytest.param(3 * 2 * 2 * RATE + 36, 900_000, id="RIFF is right"),
    ],
)
def test_sizes_in_a_header_of_wav_are_no_proof(
    folder: Path, put: Callable[[bytes], Path], riff: int, data: int
) -> None:
    heard, said = play(put(sized((folder / "first.wav").read_bytes(), riff, data)))
    check(heard, FIRST, likeness=0.999)
    assert len(heard) == len(FIRST)
    assert not said


@settings(max_examples=40, deadline=None)
@given(riff=st.integers(0, 2**32 - 1))
def test_while_the_data_of_a_wav_is_whole_the_size_around_it_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, riff: int
) -> None:
    folder = tmp_path_factory.getbasetemp()
    wav = write_wav(folder / "whole.wav", np.ones((4800, 2)) * 9000).read_bytes()
    path = folder / "sized.wav"
    path.write_bytes(sized(wav, riff, 4800 * 4))
    heard, said = play(path)
    assert len(heard) == 4800
    assert not said


CHUNKED = [
    ("x.wav", ()),
    ("x.wav", ("-rf64", "always")),
    ("x.w64", ()),
    ("x.aiff", ()),
    ("x.caf", ("-c:a", "pcm_s16be")),
    ("x.wma", ()),
]


@pytest.mark.parametrize(("name", "options"), CHUNKED, ids=str)
def test_sound_that_was_cut_off_is_refused_where_it_is_heard_and_only_there(
    make: Callable[..., bytes], put: Callable[[bytes], Path], name: str, options: tuple[str, ...]
) -> None:
    whole = make(name, *options)
    path = put(whole[: len(whole) * 6 // 10])
    with pytest.raises(PermanentError, match=r"x is cut short: it holds 1\.8 of its 3\.0 seconds of sound"):
        play(path)
    heard, said = play(path, range(RATE))
    assert find(FIRST[RATE // 2 : RATE * 3 // 4], heard)[1] > 0.9
    assert not said


@pytest.mark.parametrize("tag", [ID3, ID3 * 2, APE], ids=["ID3", "two", "APE"])
@pytest.mark.parametrize("name", ["x.flac", "x.aac", "x.wav", "x.ogg", "x.mp3", "x.ac3"])
def test_a_tag_in_front_is_no_sound(
    make: Callable[..., bytes], put: Callable[[bytes], Path], name: str, tag: bytes
) -> None:
    heard, said = play(put(tag + make(name)))
    check(heard, FIRST, off=2400)
    assert not said


# Ogg


def pages(ogg: bytes) -> Iterator[bytearray]:
    at = 0
    while at < len(ogg):
        size = 27 + ogg[at + 26] + sum(ogg[at + 27 : at + 27 + ogg[at + 26]])
        yield bytearray(ogg[at : at + size])
        at += size


def sealed(page: bytearray) -> bytes:
    """Return a page with its checksum (RFC 3533, 6)."""
    page[22:26] = bytes(4)
    crc = 0
    for byte in page:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C1_1DB7 if crc & 0x8000_0000 else 0)) & 0xFFFF_FFFF
    page[22:26] = crc.to_bytes(4, "little")
    return bytes(page)


OGG = ["libopus", "libvorbis", "flac"]


@pytest.mark.parametrize("codec", OGG)
def test_an_ogg_need_not_say_that_it_ends(make: Callable[..., bytes], put: Callable[[bytes], Path], codec: str) -> None:
    *before, last = pages(make("x.ogg", "-c:a", codec))
    last[5] &= ~4
    heard, said = play(put(b"".join((*before, sealed(last)))))
    check(heard, FIRST, off=960)
    assert not said


@pytest.mark.parametrize("codec", OGG)
def test_what_is_behind_an_ogg_is_not_heard(
    make: Callable[..., bytes], put: Callable[[bytes], Path], codec: str
) -> None:
    heard, said = play(put(make("x.ogg", "-c:a", codec) + b"TAG" + bytes(125)))
    check(heard, FIRST)
    assert not said


@pytest.mark.parametrize("codec", OGG)
def test_an_ogg_that_ends_amid_a_page_was_cut_off(
    make: Callable[..., bytes], put: Callable[[bytes], Path], codec: str
) -> None:
    path = put(make("x.ogg", "-c:a", codec)[:-50])
    with pytest.raises(PermanentError, match=r"x is cut short: its sound breaks off at [123]\.\ds"):
        play(path)
    assert len(play(path, range(RATE))[0]) == RATE


@pytest.mark.parametrize("codec", OGG)
def test_pages_that_are_missing_are_missed(
    make: Callable[..., bytes], put: Callable[[bytes], Path], codec: str
) -> None:
    """Of a second each: too much to be concealed."""
    found = list(pages(make("x.ogg", "-c:a", codec)))
    del found[-2]
    with pytest.raises(PermanentError, match=r"x is (damaged from \d\.\d+s on: 3\d\.\d%|cut short: it holds [12]\.)"):
        play(put(b"".join(found)))


@pytest.mark.parametrize(
    "links",
    [
        pytest.param((("libvorbis",), ("libvorbis",)), id="vorbis"),
        pytest.param((("libopus",), ("libopus",)), id="opus"),
        pytest.param((("flac",), ("flac",)), id="flac"),
        pytest.param((("libvorbis", "-ar", "44100"), ("libvorbis",)), id="another rate"),
        pytest.param((("libvorbis", "-ac", "1"), ("libvorbis",)), id="more channels"),
        pytest.param((("libopus", "-ac", "1"), ("libopus",)), id="more channels of opus"),
        pytest.param((("libvorbis",), ("libopus",)), id="another codec"),
        pytest.param((("libopus",), ("libopus",), ("libopus",)), id="three"),
    ],
)
def test_links_of_an_ogg_are_heard_one_after_the_other(
    make: Callable[..., bytes], put: Callable[[bytes], Path], links: tuple[tuple[str, ...], ...]
) -> None:
    """As a radio station sends them."""
    sounds = [("first", FIRST), ("second", SECOND), ("first", FIRST)][: len(links)]
    files = [make("x.ogg", "-c:a", *link, sound=name) for link, (name, _) in zip(links, sounds, strict=True)]
    heard, said = play(put(b"".join(files)))
    check(heard, *(sound for _, sound in sounds), off=2)
    assert not said


@pytest.mark.parametrize("codec", OGG)
def test_headers_of_an_ogg_that_are_there_twice_are_no_sound(
    make: Callable[..., bytes], put: Callable[[bytes], Path], codec: str
) -> None:
    found = list(pages(make("x.ogg", "-c:a", codec)))
    headers = [page for page in found if not any(page[6:14])]
    heard, said = play(put(b"".join(headers + found)))
    check(heard, FIRST, off=2)
    assert headers
    assert not said


@pytest.mark.parametrize("suffix", ["ogg", "mka"])
def test_what_opus_skips_at_its_start_is_not_missed(
    make: Callable[..., bytes], put: Callable[[bytes], Path], tmp_path: Path, suffix: str
) -> None:
    first, *rest = pages(make("x.ogg", "-c:a", "libopus"))
    at = first.index(b"OpusHead") + 10
    first[at : at + 2] = struct.pack("<H", RATE)
    path = put(b"".join((sealed(first), *rest)))
    if suffix == "mka":
        ffmpeg("-i", path, "-c", "copy", tmp_path / "x.mka")
        path = tmp_path / "x.mka"
    heard, said = play(path)
    assert len(heard) == pytest.approx(2 * RATE, abs=400)
    assert not said


# MP3


@pytest.mark.parametrize(
    "around",
    [
        pytest.param((bytes(224), b""), id="zeroes before"),
        pytest.param((bytes(5000), b""), id="many zeroes before"),
        pytest.param((b"\r\n\r\n", b""), id="empty lines before"),
        pytest.param((b"\xef\xbb\xbf", b""), id="byte order mark before"),
        pytest.param((bytes(range(200)) * 20, b""), id="junk before"),
        pytest.param((bytes(range(200)) * 1000, b""), id="much junk before"),
        pytest.param((ID3[:10] + bytes(1024) + bytes(700), b""), id="padding behind the tag"),
        pytest.param((b"", b"\0"), id="a byte after"),
        pytest.param((b"", b"U"), id="another byte after"),
        pytest.param((b"", bytes(4000)), id="zeroes after"),
        pytest.param((b"", b"TAG" + bytes(125)), id="ID3v1 after"),
        pytest.param((b"", APE + b"TAG" + bytes(125)), id="APE and ID3v1 after"),
        pytest.param((b"", b"LYRICSBEGIN" + b"x" * 300 + b"000311LYRICS200"), id="lyrics after"),
        pytest.param((b"", b"\xff" * 300), id="ones after"),
        pytest.param((b"", b"<html>not found</html>"), id="a page after"),
    ],
)
@pytest.mark.parametrize("xing", ["1", "0"])
def test_what_is_around_the_frames_of_an_mp3_is_not_heard(
    make: Callable[..., bytes], put: Callable[[bytes], Path], around: tuple[bytes, bytes], xing: str
) -> None:
    before, after = around
    mp3 = make("x.mp3", "-id3v2_version", "0", "-write_xing", xing)
    heard, said = play(put(before + mp3 + after))
    check(heard, FIRST, off=2400)
    assert not said


@settings(max_examples=25, deadline=None)
@given(before=st.binary(max_size=3000), after=st.binary(max_size=3000))
def test_stray_bytes_around_frames_change_nothing(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, before: bytes, after: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "frames.mp3"
    if not path.exists():
        ffmpeg("-i", folder / "second.wav", "-id3v2_version", "0", "-write_xing", "0", path)
    before, after = (junk.replace(b"\xff", b"").replace(b"\x0b", b"") for junk in (before, after))
    stray = path.with_name("stray.mp3")
    stray.write_bytes(b"~" + before + path.read_bytes() + after)
    heard, _ = play(stray)
    assert len(heard) == pytest.approx(2 * RATE, abs=3600)
    assert find(SECOND[RATE // 2 : RATE], heard)[1] > 0.9


def test_an_mp3_may_begin_amid_a_frame(make: Callable[..., bytes], put: Callable[[bytes], Path]) -> None:
    heard, _ = play(put(make("x.mp3", "-id3v2_version", "0", "-write_xing", "0")[1000:]))
    assert len(heard) == pytest.approx(3 * RATE, abs=5000)


@pytest.mark.parametrize("tags", [(b"", b""), (ID3, ID3), (ID3, APE + b"TAG" + bytes(125) + ID3)], ids=str)
def test_mp3s_that_were_joined_are_heard_one_after_the_other(
    make: Callable[..., bytes], put: Callable[[bytes], Path], tags: tuple[bytes, bytes]
) -> None:
    one = make("x.mp3", "-id3v2_version", "0", "-ar", "44100")
    other = make("x.mp3", "-id3v2_version", "0", "-ar", "44100", sound="second")
    heard, said = play(put(tags[0] + one + tags[1] + other))
    check(heard, FIRST, SECOND, off=3600)
    assert not said


def test_a_cover_between_joined_mp3s_is_no_sound(make: Callable[..., bytes], put: Callable[[bytes], Path]) -> None:
    """It is larger than the sound, and has in it what looks like frames."""
    one = make("x.mp3", "-id3v2_version", "0")
    picture = np.random.default_rng(1).bytes(20_000) + one[1000:60_000] + np.random.default_rng(2).bytes(1 << 17)
    size = len(picture)
    length = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    heard, said = play(put(ID3 + one + b"ID3\x03\0\0" + length + picture + make("x.mp3", sound="second")))
    check(heard, FIRST, SECOND, off=2)
    assert not said


@pytest.mark.parametrize(("times", "says"), [(0.5, ""), (2, "says that it has 6.0s of sound, and ends after 3.0s")])
def test_the_count_in_an_mp3_is_no_proof(
    make: Callable[..., bytes], put: Callable[[bytes], Path], times: float, says: str
) -> None:
    mp3 = bytearray(make("x.mp3"))
    at = max(mp3.find(b"Xing"), mp3.find(b"Info")) + 8
    mp3[at : at + 4] = struct.pack(">I", int(struct.unpack(">I", mp3[at : at + 4])[0] * times))
    heard, said = play(put(bytes(mp3)))
    assert len(heard) == pytest.approx(3 * RATE, abs=2400)
    assert [each.partition("x ")[2] for each in said] == [says] * bool(says)


def test_an_mp3_that_ends_amid_a_frame_before_it_should_was_cut_off(
    make: Callable[..., bytes], put: Callable[[bytes], Path]
) -> None:
    mp3 = make("x.mp3")
    with pytest.raises(PermanentError, match=r"x is cut short: it holds 1\.\d of its 3\.\d seconds of sound"):
        play(put(mp3[: len(mp3) * 6 // 10]))


# FLAC


@pytest.mark.parametrize(
    ("total", "says"), [(0, ""), (12 * RATE, "says that it has 12.0s of sound, and ends after 3.0s")]
)
def test_the_count_in_a_flac_is_no_proof(
    make: Callable[..., bytes], put: Callable[[bytes], Path], total: int, says: str
) -> None:
    flac = bytearray(make("x.flac"))
    flac[18:26] = (int.from_bytes(flac[18:26]) >> 36 << 36 | total).to_bytes(8)
    heard, said = play(put(bytes(flac)))
    check(heard, FIRST, likeness=0.999)
    assert [each.partition("x ")[2] for each in said] == [says] * bool(says)


# Damage


@pytest.mark.parametrize(
    ("name", "options"), [("x.flac", ()), ("x.mka", ("-c:a", "flac")), ("x.m4a", ()), ("x.m4a", ("-c:a", "alac"))]
)
def test_what_is_damaged_is_silent_and_all_else_in_its_place(
    make: Callable[..., bytes], put: Callable[[bytes], Path], name: str, options: tuple[str, ...]
) -> None:
    content = bytearray(make(name, *options))
    middle = len(content) // 2
    content[middle : middle + 200] = np.random.default_rng(3).bytes(200)
    path = put(bytes(content))
    heard, said = play(path)
    assert len(heard) == pytest.approx(len(FIRST), abs=1024)
    for start in (RATE // 2, 9 * RATE // 4):
        at, like = find(FIRST[start : start + RATE // 2], heard)
        assert like > 0.9
        assert at == pytest.approx(start, abs=1)
    assert len(said) == 1
    assert "x is damaged from 1." in said[0]
    with pytest.raises(PermanentError, match=r"x is damaged from 1\."):
        play(path, on_damage=OnDamage.FAIL)


def test_sound_of_which_much_is_damaged_is_refused(make: Callable[..., bytes], put: Callable[[bytes], Path]) -> None:
    flac = bytearray(make("x.flac"))
    start, stop = len(flac) // 2, len(flac) * 7 // 10
    flac[start:stop] = bytes(stop - start)
    with pytest.raises(PermanentError, match=r"x is damaged from 1\.\d+s on: 2\d\.\d% of its sound is lost"):
        play(put(bytes(flac)))


def test_a_pause_of_a_recorder_is_said(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "pause.mka"
    ffmpeg("-i", folder / "first.wav", "-af", "aselect='lt(t,1)+gte(t,2)'", "-c:a", "flac", path)
    assert play(path)[1] == ("spec.audio.tracks[0].uri: volume://media/x has no sound for 1.0s, from 1.06s on",)


def test_time_stamps_that_start_over_go_on(make: Callable[..., bytes], put: Callable[[bytes], Path]) -> None:
    """As in two recordings of a browser that were joined."""
    heard, said = play(put(make("x.mka", "-c:a", "flac") + make("x.mka", "-c:a", "flac", sound="second")))
    check(heard, FIRST, SECOND, likeness=0.999, off=100)
    assert not said


@pytest.mark.parametrize(("first", "second"), [(0, 0), (0, 5000), (5000, 0)], ids=str)
def test_clocks_of_broadcasts_are_set_anew(
    make: Callable[..., bytes], put: Callable[[bytes], Path], first: int, second: int
) -> None:
    """Two recordings in one file, of which each has a clock of its own; the second was ended amid a packet."""
    one = make("x.ts", "-output_ts_offset", str(first))
    other = make("x.ts", "-output_ts_offset", str(second), sound="second")
    heard, said = play(put(one + other[:-100]))
    check(heard[1024:], FIRST, SECOND, off=2048)
    assert not said


# MP4


def test_hours_of_uncompressed_sound_in_an_mp4_are_no_claim_of_as_many_frames(
    make: Callable[..., bytes], put: Callable[[bytes], Path]
) -> None:
    """Each sample counts as a frame, and none has an entry of its own."""
    mov = bytearray(make("x.mov", "-c:a", "pcm_s16le"))
    at = mov.index(b"stsz") + 12
    mov[at : at + 4] = struct.pack(">I", 4 * 3600 * RATE)
    source = Source("spec.clips[0].video.uri", "volume://media/x", put(bytes(mov)))
    check_container_limits(source, "MP4")
    mov[mov.index(b"stts") + 19] = 2  # now every second one has
    put(bytes(mov))
    with pytest.raises(PermanentError, match="claims to have 691,200,000 frames and blocks of sound"):
        check_container_limits(source, "MP4")


def test_an_edit_list_that_leaves_out_the_end_is_no_cut(
    make: Callable[..., bytes], put: Callable[[bytes], Path]
) -> None:
    m4a = bytearray(make("x.m4a"))
    at = m4a.index(b"elst") + 12
    m4a[at : at + 4] = struct.pack(">I", 2000)
    heard, said = play(put(bytes(m4a)))
    assert len(heard) == pytest.approx(2 * RATE, abs=1024)
    assert not said


def test_ffmpeg_hears_the_same(make: Callable[..., bytes], put: Callable[[bytes], Path]) -> None:
    """That these files are what they are meant to be."""
    path = put(bytes(2000) + make("x.mp3", "-id3v2_version", "0"))
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-f", "f32le", "-ac", "1", "-ar", str(RATE), "-"]
    other = np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, "<f4")
    assert len(play(path)[0]) == len(other)
