"""Videos as the world writes them: every container, codec, rate and order of frames, beside what ffmpeg decodes."""

import json
import re
import subprocess
from fractions import Fraction
from pathlib import Path
from unittest.mock import patch

import av
import numpy as np
import pytest

from tests.ffmpeg import ffmpeg
from tests.render import barcodes, films
from tests.render.studio import Studio, decode, sound, uri
from videojob_worker.media.video import reader
from videojob_worker.media.video.video_container import DEMUXERS

FPS = Fraction(25)
FRAMES = 60
X264 = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "10", "-g", "20", "-bf", "2"]
MPEG4 = ["-c:v", "mpeg4", "-q:v", "2", "-g", "20"]
MPEG2 = ["-c:v", "mpeg2video", "-q:v", "2", "-g", "12", "-bf", "2"]
FILES: dict[str, list[str]] = {
    "mpeg4.avi": [*MPEG4, "-c:a", "libmp3lame"],
    "bframes.avi": [*MPEG4, "-bf", "2", "-vtag", "XVID", "-c:a", "libmp3lame"],
    "h264.avi": [*X264, "-c:a", "aac"],
    "mjpeg.avi": ["-c:v", "mjpeg", "-q:v", "2", "-c:a", "pcm_s16le"],
    "huffyuv.avi": ["-c:v", "huffyuv", "-pix_fmt", "yuv422p"],
    "div3.avi": ["-c:v", "msmpeg4", "-q:v", "2", "-c:a", "adpcm_ms"],
    "mp42.avi": ["-c:v", "msmpeg4v2", "-q:v", "2"],
    "h264.ts": [*X264, "-c:a", "aac"],
    "mpeg2.ts": [*MPEG2, "-c:a", "mp2"],
    "h265.ts": ["-c:v", "libx265", "-preset", "ultrafast", "-crf", "12", "-x265-params", "log-level=none:bframes=2"],
    "wraps.ts": [*X264, "-output_ts_offset", "95442.5"],
    "h264.m2ts": [*X264, "-c:a", "ac3", "-mpegts_m2ts_mode", "1"],
    "mpeg2.mpg": [*MPEG2, "-c:a", "mp2"],
    "mpeg1.mpg": ["-c:v", "mpeg1video", "-q:v", "2", "-c:a", "mp2"],
    "mpeg2.vob": [*MPEG2, "-c:a", "ac3"],
    "mpeg1.ts": ["-c:v", "mpeg1video", "-q:v", "2", "-bf", "2", "-c:a", "mp2"],
    "bframes.mpg": ["-c:v", "mpeg1video", "-q:v", "2", "-bf", "2"],
    "mpeg4.ts": [*MPEG4, "-bf", "2", "-c:a", "aac"],
    "h264.flv": [*X264, "-c:a", "aac"],
    "sorenson.flv": ["-c:v", "flv1", "-q:v", "2", "-c:a", "libmp3lame", "-ar", "44100"],
    "wmv2.wmv": ["-c:v", "wmv2", "-q:v", "2", "-c:a", "wmav2"],
    "wmv1.asf": ["-c:v", "wmv1", "-q:v", "2", "-c:a", "wmav1"],
    "theora.ogv": ["-c:v", "libtheora", "-q:v", "9", "-g", "20", "-c:a", "libvorbis"],
    "h264.mp4": [*X264, "-c:a", "aac"],
    "fragments.mp4": [*X264, "-movflags", "frag_keyframe+empty_moov", "-c:a", "aac"],
    "dash.mp4": [*X264, "-movflags", "dash+delay_moov"],
    "prores.mov": ["-c:v", "prores_ks"],
    "vp8.webm": ["-c:v", "libvpx", "-b:v", "2M", "-deadline", "realtime", "-c:a", "libopus"],
    "live.mkv": [*X264, "-live", "1", "-c:a", "flac"],
}
RATES = {"25": Fraction(25), "30000/1001": Fraction(30_000, 1001), "50": Fraction(50)}


@pytest.fixture(scope="module", params=RATES)
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return films.steady(tmp_path_factory.mktemp("plain") / "plain.mkv", FRAMES, RATES[request.param])


def decoded_by_ffmpeg(path: Path) -> list[tuple[Fraction, int]]:
    """When each frame is shown, from the first on, and the number that it shows."""
    entries = ["-select_streams", "v:0", "-show_entries", "frame=best_effort_timestamp_time", "-of", "json"]
    found = subprocess.run(["ffprobe", "-v", "error", *entries, str(path)], check=True, capture_output=True).stdout
    stamps: list[Fraction] = []
    for frame in json.loads(found)["frames"]:  # the last of an AVI come without a time
        told = frame.get("best_effort_timestamp_time")
        stamps.append(2 * stamps[-1] - stamps[-2] if told is None else Fraction(told))
    scale = f"scale={films.SIZE[0]}:{films.SIZE[1]},format=gray"
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:v:0", "-fps_mode", "passthrough", "-vf", scale]
    raw = subprocess.run([*command, "-f", "rawvideo", "-"], check=True, capture_output=True).stdout
    pictures = np.frombuffer(raw, np.uint8).reshape(-1, films.SIZE[1], films.SIZE[0])
    return [(stamp - min(stamps), barcodes.read(picture)) for stamp, picture in zip(stamps, pictures, strict=True)]


@pytest.mark.parametrize("name", FILES)
def test_the_frames_are_those_that_ffmpeg_decodes(tmp_path: Path, written: Path, name: str) -> None:
    path = tmp_path / name
    tone = ["-f", "lavfi", "-i", "sine=440:r=48000:d=2"] if "-c:a" in FILES[name] else []
    ffmpeg("-i", written, *tone, *FILES[name], path)
    expected = decoded_by_ffmpeg(path)
    facts = films.probe(path)
    numbers = [number for _, number in expected]
    assert set(numbers) == set(range(FRAMES))
    assert facts.has_sound == bool(tone)
    period_s = 1 / (facts.fps or FPS)
    assert abs((facts.duration_s or 0) - FRAMES * period_s) <= 2 * period_s + Fraction(1, 50)
    fps = 1 / period_s
    count = int((facts.duration_s or 0) * fps)
    shown = films.shown(path, count, fps)
    assert set(shown) == set(range(FRAMES))
    at = [
        max((number for stamp, number in expected if stamp <= (place + Fraction(1, 2)) / fps), default=0)
        for place in range(count)
    ]
    # Where a container does not say when frames are shown, they are ours to the nearest.
    assert max(abs(one - other) for one, other in zip(shown, at, strict=True)) <= 1
    assert sum(one != other for one, other in zip(shown, at, strict=True)) <= 3
    for place in (7, 31, 45, 58):
        start = f"{float(place / fps) * 1000 + 2:.0f}ms"
        assert abs(films.shown(path, 1, fps, **{"from": start})[0] - shown[place]) <= 1


def test_every_container_that_is_read_is_among_these() -> None:
    suffixes = {"AVI": "avi", "FLV": "flv", "MP4": "mp4", "MPEG program stream": "mpg", "MPEG transport stream": "ts"}
    suffixes |= {"Matroska": "mkv", "Ogg": "ogv", "Windows Media": "wmv"}
    assert set(suffixes) == set(DEMUXERS)
    assert set(suffixes.values()) <= {name.rpartition(".")[2] for name in FILES}


@pytest.mark.parametrize("suffix", ["ts", "mpg"])
def test_recordings_laid_behind_each_other_play_to_their_end(tmp_path: Path, suffix: str) -> None:
    files = []
    for number, frames in enumerate((40, 60, 30)):
        plain = films.steady(tmp_path / f"{number}.mkv", frames, FPS)
        ffmpeg("-i", plain, *MPEG2, part := tmp_path / f"{number}.{suffix}")
        files.append(part)
    path = tmp_path / f"film.{suffix}"
    path.write_bytes(b"".join(part.read_bytes() for part in files))
    facts = films.probe(path)
    assert abs((facts.duration_s or 0) - Fraction(130, 25)) <= Fraction(3, 25)
    expected = [number for frames in (40, 60, 30) for number in range(frames)]
    shown = films.shown(path, 128, FPS)
    assert set(shown) == set(expected)
    assert sum(one != other for one, other in zip(shown, expected, strict=False)) <= 128 * 3 // 5
    with patch.object(reader, "Decoder", wraps=reader.Decoder) as opened:
        assert films.shown(path, 1, FPS, **{"from": "3s"})[0] == shown[75]
    assert opened.call_count == 1


@pytest.mark.parametrize("cut", [Fraction(1, 5), Fraction(1, 3), Fraction(1, 2)], ids=str)
def test_a_broadcast_is_entered_amid_frames(tmp_path: Path, cut: Fraction) -> None:
    ffmpeg("-i", films.steady(tmp_path / "plain.mkv", 100, FPS), *MPEG2, whole := tmp_path / "whole.ts")
    path = tmp_path / "film.ts"
    data = whole.read_bytes()
    path.write_bytes(data[: 188 * 3] + data[int(len(data) * cut) // 188 * 188 :])
    shown = films.shown(path, int((films.probe(path).duration_s or 0) * FPS), FPS)
    assert shown[-1] == 99
    assert shown == sorted(shown)
    assert films.shown(path, 1, FPS)[0] == shown[0]


def without_vui(unit: bytes) -> bytes:
    """A sequence parameter set of the main profile (ITU-T H.264, 7.3.2.1.1) that ends before `vui_parameters`."""
    bits, at = f"{int.from_bytes(unit):0{8 * len(unit)}b}", 32

    def golomb() -> int:
        nonlocal at
        zeros = bits.index("1", at) - at
        at += 2 * zeros + 1
        return int(bits[at - zeros - 1 : at], 2) - 1

    assert [golomb() for _ in range(3)][2] == 0  # pic_order_cnt_type
    golomb(), golomb()
    at += 1
    golomb(), golomb()
    assert bits[at] + bits[at + 2] == "10"  # frames, not cropped
    kept = bits[: at + 3] + "01"
    return int(kept.ljust(-(-len(kept) // 8) * 8, "0"), 2).to_bytes(-(-len(kept) // 8))


@pytest.mark.parametrize("suffix", ["ts", "mp4", "mkv"])
def test_frames_are_ordered_that_do_not_say_how_far_they_are_out_of_order(tmp_path: Path, suffix: str) -> None:
    """As some cameras and broadcasters code them; ffmpeg loses those that come when it does not know yet."""
    plain = films.steady(tmp_path / "plain.mkv", FRAMES, FPS, size=(128, 80))
    settings = ["-profile:v", "main", "-x264-params", "bframes=7:b-pyramid=normal:b-adapt=0:ref=4"]
    ffmpeg("-i", plain, *X264[:-2], *settings, whole := tmp_path / "whole.ts")
    ffmpeg("-i", whole, "-c", "copy", raw := tmp_path / "whole.h264")
    unit = re.search(rb"\x00\x00\x01(\x67.*?)\x00\x00", raw.read_bytes(), re.DOTALL)
    assert unit
    shorter = without_vui(unit[1].replace(b"\0\0\3", b"\0\0"))
    with av.open(whole) as source, av.open(path := tmp_path / "bare.ts", "w") as out:
        film = source.streams.video[0]
        stream = out.add_stream_from_template(film)
        for packet in source.demux(film):
            if packet.size:
                bare = av.Packet(bytes(packet).replace(unit[1], shorter))
                bare.pts, bare.dts, bare.time_base, bare.stream = packet.pts, packet.dts, packet.time_base, stream
                out.mux(bare)
    ffmpeg("-i", path, "-c", "copy", film := tmp_path / f"film.{suffix}")
    assert films.shown(film, FRAMES, FPS) == list(range(FRAMES))


@pytest.mark.parametrize("name", [name for name, options in FILES.items() if "-c:a" in options])
def test_sound_stays_with_its_pictures(tmp_path: Path, studio: Studio, name: str) -> None:
    plain, path = films.steady(tmp_path / "plain.mkv", FRAMES, FPS), tmp_path / name
    tone = ["-f", "lavfi", "-i", "aevalsrc=sin(2764*t)*gte(t\\,1.2)/2:s=48000:d=2.4"]
    ffmpeg("-i", plain, *tone, *FILES[name], path)
    movie = studio.movie([{"video": {"uri": uri(path)}}], files=[path], size=films.SIZE, fps="25")
    heard, shown = np.abs(sound(movie)).max(axis=0), [films.number(picture) for picture in decode(movie)]
    assert np.argmax(heard > 0.1) / 48_000 == pytest.approx(1.2 + (shown.index(30) - 30) / 25, abs=0.06)
    assert len(heard) / 48_000 > 2.3
    assert heard[int(1.3 * 48_000) : int(2.2 * 48_000)].reshape(-1, 480).max(axis=1).min() > 0.3
