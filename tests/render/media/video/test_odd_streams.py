"""Streams that are not what their container says, or hold what is not decoded: shown right, or refused by name."""

import re
from fractions import Fraction
from pathlib import Path

import av
import pytest

from tests.ffmpeg import ffmpeg
from tests.render import films
from tests.render.studio import Studio, decode, uri
from videojob_contract.errors import PermanentError
from videojob_worker.media.video.decoder import Decoder

FPS = Fraction(25)
QUIET = ["-x265-params", "log-level=none"]
KEY = ["-encryption_key", "76a6c65c5ea762046bd749a2e632ccbb", "-encryption_kid", "a7e61c373e219033c21091fa607bf3b8"]


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return films.steady(tmp_path / "plain.mkv", 100, FPS)


CODECS = {
    "mpeg4": ["-c:v", "mpeg4", "-q:v", "2", "-bf", "2"],
    "mpeg2": ["-c:v", "mpeg2video", "-q:v", "2", "-bf", "2"],
    "h264": ["-c:v", "libx264", "-preset", "veryfast", "-crf", "12", "-bf", "2"],
    "h265": ["-c:v", "libx265", "-preset", "ultrafast", "-crf", "12", *QUIET],
    "vp9": ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-b:v", "2M"],
}


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("lie", ["every frame", "others"])
def test_a_table_of_keyframes_that_lies_is_not_believed(tmp_path: Path, plain: Path, codec: str, lie: str) -> None:
    path = tmp_path / "film.mp4"
    ffmpeg("-i", plain, *CODECS[codec], "-g", "20", path)
    data = bytearray(path.read_bytes())
    table = data.index(b"stss")
    if lie == "every frame":  # as a file without the table says
        data[table : table + 4] = b"free"
    else:
        for number in range(1, int.from_bytes(data[table + 8 : table + 12])):
            at = table + 12 + 4 * number
            data[at : at + 4] = (int.from_bytes(data[at : at + 4]) + 7).to_bytes(4)
    path.write_bytes(data)
    assert films.probe(path).duration_s == 4
    for start in range(3, 100, 8):
        assert films.shown(path, 1, FPS, **{"from": f"{start * 40}ms"}) == [start]
    assert films.shown(path, 100, FPS, reverse=True) == list(range(99, -1, -1))


def test_444_is_decoded_from_the_middle_as_from_the_start(tmp_path: Path, plain: Path) -> None:
    """Only the first frame says that an old x264 coded it, whose mistakes libav makes up for, and finds none here."""
    path = tmp_path / "film.mp4"
    ffmpeg("-i", plain, "-vf", "noise=alls=40", "-c:v", "libx264", "-pix_fmt", "yuv444p", "-g", "25", "-crf", "4", path)
    data = path.read_bytes()
    path.write_bytes(re.sub(rb"x264 - core \d\d\d", b"x264 - core 148", data))
    decoder = Decoder(films.source(path))
    with pytest.raises(PermanentError, match=r"cannot be decoded|is not whole"):
        list(decoder.frames())
    decoder = Decoder(films.source(path))
    decoder.seek(50 * 512)
    assert not [pts for pts, _ in decoder.frames() if pts == 50 * 512]


@pytest.mark.parametrize("layout", ["faststart", "frag_keyframe+empty_moov"])
def test_an_encrypted_film_is_called_that(tmp_path: Path, plain: Path, layout: str) -> None:
    path = tmp_path / "film.mp4"
    ffmpeg("-i", plain, "-c", "copy", "-encryption_scheme", "cenc-aes-ctr", *KEY, "-movflags", layout, path)
    with pytest.raises(PermanentError, match=r"^spec\.clips\[0\]\.video\.uri: volume://media/film\.mp4 is encrypted"):
        films.probe(path)


@pytest.mark.parametrize("layout", ["faststart", "frag_keyframe+empty_moov"])
def test_a_track_of_sound_without_sound_leaves_the_pictures_alone(tmp_path: Path, studio: Studio, layout: str) -> None:
    ffmpeg(
        "-f",
        "lavfi",
        "-i",
        "color=s=64x36:r=25:d=1",
        "-f",
        "lavfi",
        "-i",
        "sine=d=1",
        "-c:a",
        "aac",
        tmp_path / "with.mp4",
    )
    path = tmp_path / "film.mp4"
    with (
        av.open(str(tmp_path / "with.mp4")) as source,
        av.open(str(path), "w", container_options={"movflags": layout}) as out,
    ):
        pictures = out.add_stream_from_template(source.streams.video[0])
        out.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = pictures
                out.mux(packet)
    facts = films.probe(path)
    assert not facts.has_sound
    assert len(decode(studio.movie([{"video": {"uri": uri(path)}}], files=[path], size=(64, 36), fps="25"))) == 25


ALPHA_CHANNEL = bytes.fromhex("4e01 a504 10002080 80")  # a description: shown by an alpha channel, of 8 bits
NO_ALPHA_CHANNEL = bytes.fromhex("4e01 a501 c0 80")  # the cancellation of one


@pytest.mark.parametrize("suffix", ["mp4", "mov"])
@pytest.mark.parametrize("message", [ALPHA_CHANNEL, NO_ALPHA_CHANNEL], ids=["alpha", "none"])
def test_transparency_that_is_not_decoded_is_refused(tmp_path: Path, plain: Path, suffix: str, message: bytes) -> None:
    ffmpeg("-i", plain, "-c:v", "libx265", "-preset", "ultrafast", *QUIET, tmp_path / "plain.hevc")
    start = b"\0\0\0\1"
    head, first, rest = (tmp_path / "plain.hevc").read_bytes().partition(b"\0\0\1\x28\1")  # the first IDR picture
    assert first
    (tmp_path / "alpha.hevc").write_bytes(head.rstrip(b"\0") + start + message + b"\0" + first + rest)
    path = tmp_path / f"film.{suffix}"
    ffmpeg(
        "-r", "25", "-i", tmp_path / "alpha.hevc", "-c", "copy", *(["-tag:v", "hvc1"] if suffix != "mkv" else []), path
    )
    if message is ALPHA_CHANNEL:
        with pytest.raises(PermanentError, match="has its transparency in a layer of its own"):
            films.probe(path)
    else:
        assert len(films.shown(path, 20, FPS)) == 20
