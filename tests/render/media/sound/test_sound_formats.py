"""Every kind of sound that is read, beside what ffmpeg makes of it: to the sample, at its place, of its length."""

import struct
import subprocess
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from tests.ffmpeg import ffmpeg
from tests.render.sounds import RATE, Wave, babble, find, write_wav
from videojob_worker.audio.decoding import decode_sound
from videojob_worker.audio.scratch import Scratch
from videojob_worker.media.files.source import Source

SECONDS = 1


def heard(path: Path) -> Wave:
    """Return all that is heard of a file, `(2, n)`."""
    scratch = Scratch(path.with_suffix(".raw"))
    source = Source("spec.audio.tracks[0].uri", "volume://media/x", path)
    try:
        pcm = decode_sound(source, [range(20 * RATE)], scratch, lambda _: None, lambda: False)
        assert not source.warnings.said
        return pcm.read(0, pcm.end or 0)
    finally:
        scratch.close()


def by_ffmpeg(path: Path, *options: str) -> Wave:
    """Return what ffmpeg hears, `(2, n)`."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:a:0", *options, "-f", "f32le", "-ac", "2", "-"]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    return np.frombuffer(raw, "<f4").reshape(-1, 2).T


def source_of(folder: Path, rate: int, channels: int) -> Path:
    """Write a sound of its own for each channel."""
    path = folder / f"{rate}-{channels}.wav"
    if path.exists():
        return path
    sound = np.stack([babble(SECONDS, seed, rate) for seed in range(1, channels + 1)], axis=1) * 0.5
    return write_wav(path, np.rint(sound * 32767), rate)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("formats")


def check(ours: Wave, theirs: Wave, tolerance: float) -> None:
    """Compare sample by sample; a decoder of another version may end a frame earlier or later."""
    assert ours.shape[1] == pytest.approx(theirs.shape[1], abs=1)
    size = min(ours.shape[1], theirs.shape[1])
    assert np.abs(ours[:, :size] - theirs[:, :size]).max() < tolerance


EXACT, NEARLY = 1e-6, 2e-3
"""Of codecs that decode to the bit, and of those in which versions differ by rounding."""

PCM_WAV = ("pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le", "pcm_alaw", "pcm_mulaw")
PCM_BIG = ("pcm_s8", "pcm_s16be", "pcm_s24be", "pcm_s32be", "pcm_f32be", "pcm_f64be", "pcm_alaw", "pcm_mulaw")
PCM_CAF = (*PCM_BIG, "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le")
MATRIX = [
    *product(("x.wav", "x.w64"), PCM_WAV, [EXACT]),
    *product(("x.aiff",), (*PCM_BIG, "pcm_s16le"), [EXACT]),
    *product(("x.caf",), PCM_CAF, [EXACT]),
    *product(("x.mov",), ("pcm_s16le", "pcm_s16be", "pcm_s24be", "pcm_f32le", "pcm_u8", "pcm_s8"), [EXACT]),
    *product(("x.mkv",), ("pcm_s16le", "pcm_s24le", "pcm_f32le"), [EXACT]),
    *product(("x.flac", "x.ogg", "x.mkv", "x.mp4", "x.caf"), ("flac",), [EXACT]),
    *product(("x.m4a", "x.caf", "x.mkv"), ("alac",), [EXACT]),
    *product(("x.wav",), ("adpcm_ms", "adpcm_ima_wav"), [NEARLY]),
    *product(("x.mp3", "x.mp4", "x.mkv", "x.wav"), ("libmp3lame",), [NEARLY]),
    *product(("x.mp2", "x.mkv"), ("mp2",), [NEARLY]),
    *product(("x.aac", "x.m4a", "x.mov", "x.3gp", "x.mkv"), ("aac",), [NEARLY]),
    *product(("x.ac3", "x.mp4", "x.mkv", "x.wav"), ("ac3",), [NEARLY]),
    *product(("x.eac3", "x.mp4", "x.mkv"), ("eac3",), [NEARLY]),
    *product(("x.ogg", "x.oga", "x.mkv", "x.webm", "x.mp4"), ("libopus",), [NEARLY]),
    *product(("x.ogg", "x.mkv", "x.webm"), ("libvorbis",), [NEARLY]),
    *product(("x.wma",), ("wmav1", "wmav2"), [NEARLY]),
]


@pytest.mark.parametrize(("name", "codec", "tolerance"), MATRIX)
def test_a_kind_of_file_is_heard_as_ffmpeg_hears_it(
    folder: Path, tmp_path: Path, name: str, codec: str, tolerance: float
) -> None:
    path = tmp_path / name
    ffmpeg("-i", source_of(folder, RATE, 2), "-c:a", codec, "-strict", "-2", path)
    check(heard(path), by_ffmpeg(path), tolerance)


def test_a_telephone_call_is_heard_as_ffmpeg_hears_it(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    ffmpeg("-i", source_of(folder, 8000, 1), "-c:a", "libgsm_ms", path)
    ours, right = heard(path), by_ffmpeg(path, "-ar", str(RATE))
    place, like = find(right[0, RATE // 4 : RATE * 3 // 4], ours[0])
    assert place == pytest.approx(RATE // 4, abs=2)
    assert like > 0.99


RATES = (8000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 88_200, 96_000, 192_000)


@pytest.mark.parametrize(
    ("name", "rate"),
    [*product(("x.wav",), RATES), *product(("x.flac", "x.caf", "x.mp3", "x.m4a"), (8000, 24_000, 44_100, 48_000))],
)
def test_sound_of_any_rate_is_in_its_place(folder: Path, tmp_path: Path, name: str, rate: int) -> None:
    source, path = source_of(folder, rate, 1), tmp_path / name
    ffmpeg("-i", source, path)
    ours, right = heard(path), by_ffmpeg(source, "-ar", str(RATE))
    assert np.array_equal(ours[0], ours[1])
    place, like = find(right[0, RATE // 4 : RATE * 3 // 4], ours[0])
    assert place == pytest.approx(RATE // 4, abs=2)
    assert like > 0.6  # what a codec leaves at 8 kHz
    padding = 0 if name not in {"x.mp3", "x.m4a"} else 2 * 1152 * RATE // rate
    assert ours.shape[1] == pytest.approx(SECONDS * RATE, abs=1 + padding)


LAYOUTS = {
    "mono": 1,
    "stereo": 2,
    "2.1": 3,
    "3.0": 3,
    "3.0(back)": 3,
    "4.0": 4,
    "quad": 4,
    "5.0": 5,
    "5.1": 6,
    "5.1(side)": 6,
    "6.1": 7,
    "7.0": 7,
    "7.1": 8,
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_channels_of_any_layout_are_mixed_down_as_ffmpeg_does(folder: Path, tmp_path: Path, layout: str) -> None:
    """But for what is scaled down there, and limited here at the end of the mix; mono is full on both sides."""
    path, count = tmp_path / "x.wav", LAYOUTS[layout]
    quiet = f"aformat=channel_layouts={layout},volume=0.2"
    ffmpeg("-i", source_of(folder, RATE, count), "-af", quiet, "-c:a", "pcm_f32le", path)
    mixed = "aresample=rematrix_maxval=8" if count > 1 else "pan=stereo|c0=c0|c1=c0"
    check(heard(path), by_ffmpeg(path, "-af", mixed), 1e-5)


@pytest.mark.parametrize(
    ("head", "frame", "size", "rate"),
    [(b"#!AMR\n", 0x3C, 31, 8000), (b"#!AMR-WB\n", 0x44, 60, 16_000)],
    ids=["narrow", "wide"],
)
def test_amr_is_heard_as_ffmpeg_hears_it(tmp_path: Path, head: bytes, frame: int, size: int, rate: int) -> None:
    """Of frames by hand (3GPP TS 26.101 and 26.201), because Debian's ffmpeg has no encoder."""
    path, random = tmp_path / "x.amr", np.random.default_rng(1)
    path.write_bytes(head + b"".join(bytes([frame]) + random.bytes(size) for _ in range(50)))
    ours, theirs = heard(path), by_ffmpeg(path, "-ar", str(RATE))
    assert ours.shape[1] == RATE
    assert by_ffmpeg(path).shape[1] == rate
    place, like = find(theirs[0, 12_000:36_000], ours[0])
    assert place == pytest.approx(12_000, abs=2)
    assert like > 0.99


@pytest.mark.parametrize("size", [0, 0xFFFF_FFFF])
def test_what_ffmpeg_writes_into_a_pipe_is_whole(folder: Path, size: int) -> None:
    source = source_of(folder, RATE, 2)
    for name in ("wav", "flac", "caf", "adts", "mp3", "ogg", "matroska"):
        piped = subprocess.run(
            ["ffmpeg", "-v", "error", "-i", str(source), "-f", name, "-"], check=True, capture_output=True
        ).stdout
        if name == "wav":
            piped = piped[:4] + struct.pack("<I", size) + piped[8:]
        path = source.with_suffix(f".{name}")
        path.write_bytes(piped)
        assert heard(path).shape[1] == pytest.approx(SECONDS * RATE, abs=2500)
