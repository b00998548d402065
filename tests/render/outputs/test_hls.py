"""HLS: segments cut at the same frames in every rendition, playlists that are true, and no file missing."""

import re
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import media
from tests.render import barcodes
from tests.render.studio import Studio, probe, sound, uri
from videojob_contract.errors import PermanentError, Reason
from videojob_contract.output_files import is_companion
from videojob_worker.clock import SAMPLE_RATE
from videojob_worker.outputs.hls.codecs import video_codec
from videojob_worker.request import RenderedOutput
from videojob_worker.verify.hls import verify_hls

COUNT = 30  # of two frames each at 25 frames a second: 2.4 s
OUTPUT = {
    "name": "main",
    "format": "hls",
    "uri": "volume://media/evening%20show.m3u8",
    "segmentDuration": "700ms",
    "renditions": [
        {"height": 90},
        {"name": "big", "height": 180, "crf": 30},
        {"width": 96, "height": 64, "bitrate": "100k"},
    ],
}
NAMES = ["90p", "big", "64p"]
SIZES = {"90p": (160, 90), "big": (320, 180), "64p": (96, 64)}
CUTS = [0, 18, 35, 53]  # the first frames at or after 0, 0.7, 1.4 and 2.1 s


@pytest.fixture(scope="module", params=[("h264", 1), ("h264", 3), ("h265", 2)], ids=lambda each: f"{each[0]}-{each[1]}")
def stream(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> RenderedOutput:
    codec, threads = request.param
    folder = tmp_path_factory.mktemp("hls")
    clips, files = barcodes.numbered(folder / "pictures", COUNT, "80ms")
    outputs = [{**OUTPUT, "codec": codec}]
    track = {"uri": uri(media.music()), "loop": True}
    studio = Studio(folder / "scratch")
    return studio.render(clips, files=[*files, media.music()], outputs=outputs, tracks=[track], threads=threads)[0]


def folder_of(stream: RenderedOutput) -> Path:
    return stream.files[0].parent


def playlist(stream: RenderedOutput, name: str) -> tuple[list[float], list[str]]:
    text = (folder_of(stream) / f"{name}.m3u8").read_text()
    durations = [float(each) for each in re.findall(r"#EXTINF:([0-9.]+),", text)]
    return durations, [line for line in text.splitlines() if line and not line.startswith("#")]


def test_every_rendition_has_every_frame(stream: RenderedOutput) -> None:
    for index, name in enumerate(NAMES):
        width, height = SIZES[name]
        command = ["ffmpeg", "-v", "error", "-i", str(stream.path), "-map", f"0:v:{index}", "-vsync", "passthrough"]
        done = subprocess.run([*command, "-f", "rawvideo", "-pix_fmt", "gray", "-"], check=True, capture_output=True)
        frames = np.frombuffer(done.stdout, np.uint8).reshape(-1, height, width)
        assert [barcodes.read(frame) for frame in frames] == [n for n in range(1, COUNT + 1) for _ in (0, 1)]
        assert done.stderr == b""


def test_segments_start_at_the_cuts_with_keyframes(stream: RenderedOutput) -> None:
    for name in NAMES[1:]:
        durations, segments = playlist(stream, name)
        assert durations == pytest.approx([0.72, 0.68, 0.72, 0.28])
        init = (folder_of(stream) / f"{name}-init.mp4").read_bytes()
        starts = []
        for segment in segments:
            whole = folder_of(stream).parent / "one.mp4"
            whole.write_bytes(init + (folder_of(stream) / segment).read_bytes())
            packets = probe(whole, "-show_entries", "packet=pts_time,flags", "-show_packets")["packets"]
            first = min(packets, key=lambda packet: float(packet["pts_time"]))
            assert first["flags"].startswith("K")
            starts.append(round(float(first["pts_time"]) * 25))
        assert starts == CUTS


def test_the_sound_is_whole_and_in_time(stream: RenderedOutput) -> None:
    durations, _ = playlist(stream, "audio")
    # libav decodes the last frame whole.
    assert 115_200 <= sound(stream.path).shape[1] < 115_200 + 1024
    assert sum(durations) == pytest.approx(2.4 + 1024 / SAMPLE_RATE, abs=1e-5)
    assert max(durations) < 0.7 + 0.55
    whole = folder_of(stream).parent / "sound.mp4"
    parts = ["audio-init.mp4", *playlist(stream, "audio")[1]]
    whole.write_bytes(b"".join((folder_of(stream) / part).read_bytes() for part in parts))
    # The encoder's lead is before the first picture, so the first sample is at 0.
    assert float(probe(whole)["streams"][0]["start_time"]) == pytest.approx(-1024 / SAMPLE_RATE, abs=1e-5)


def test_the_master_playlist_is_true(stream: RenderedOutput) -> None:
    text = stream.path.read_text()
    found = re.findall(r"#EXT-X-STREAM-INF:(.*)\n(.*)", text)
    assert len(found) == len(NAMES)
    sounds = [8 * path.stat().st_size for path in folder_of(stream).glob("audio-*.m4s")]
    for (attributes, playlist_uri), name in zip(found, NAMES, strict=True):
        width, height = SIZES[name]
        assert f"RESOLUTION={width}x{height},FRAME-RATE=25.000" in attributes
        assert re.fullmatch(rf"evening_show-[0-9a-f]{{12}}-[0-9a-f]{{12}}/{name}.m3u8", playlist_uri)
        sizes = [8 * path.stat().st_size for path in sorted(folder_of(stream).glob(f"{name}-*.m4s"))]
        mean = int(re.search(r"AVERAGE-BANDWIDTH=(\d+)", attributes).group(1))  # type: ignore[union-attr]
        peak = int(re.search(r"(?<!-)BANDWIDTH=(\d+)", attributes).group(1))  # type: ignore[union-attr]
        assert mean == pytest.approx((sum(sizes) + sum(sounds)) / 2.4, rel=0.02)
        assert mean <= peak
        assert peak >= max(size / length for size, length in zip(sizes, playlist(stream, name)[0], strict=True))
        codec = re.search(r'CODECS="([^"]*)"', attributes).group(1)  # type: ignore[union-attr]
        assert re.fullmatch(r"(avc1\.[0-9a-f]{6}|hvc1\.1\.6\.L\d+(\.[0-9A-F]+)*),mp4a\.40\.2", codec)


def test_files_are_named_for_the_main_file_and_all_are_reported(stream: RenderedOutput) -> None:
    assert stream.path.name == "evening show.m3u8"
    assert (stream.width, stream.height, stream.frames, stream.duration) == (320, 180, 60, Fraction(12, 5))
    there = {path for path in stream.path.parent.rglob("*") if path.suffix in {".m3u8", ".m4s"} or "init" in path.name}
    assert {*stream.files, stream.path} == there
    assert all(is_companion(stream.path.name, path.relative_to(stream.path.parent).parts) for path in stream.files)


def test_names_of_codecs() -> None:
    # As ffmpeg's own HLS muxer names the same streams.
    assert video_codec(b"....avcC\x01\x64\x00\x28\xff") == "avc1.640028"
    hevc = bytes([1, 0x01, 0x60, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 93])
    assert video_codec(b"....hvcC" + hevc) == "hvc1.1.6.L93.90"
    main10_high_tier = bytes([1, 0x22, 0x20, 0, 0, 0, 0xB0, 0, 0, 0, 0, 0, 150])
    assert video_codec(b"....hvcC" + main10_high_tier) == "hvc1.2.4.H150.B0"
    with pytest.raises(ValueError, match="neither"):
        video_codec(b"....av1C")


@pytest.mark.parametrize("spoil", ["segment", "playlist", "short", "stream"])
def test_what_is_missing_is_found(studio: Studio, spoil: str, monkeypatch: pytest.MonkeyPatch) -> None:
    checks: list[tuple[Any, ...]] = []
    monkeypatch.setattr("videojob_worker.outputs.hls.write.verify_hls", lambda *check: checks.append(check))
    clips, files = barcodes.numbered(studio.scratch.parent / "pictures", 10, "80ms")
    [made] = studio.render(clips, files=files, outputs=[{**OUTPUT, "renditions": [{"height": 90}]}])
    [(master, streams, text, _)] = checks
    verify_hls(master, streams, text, lambda: None)
    folder = folder_of(made)
    match spoil:
        case "segment":
            (folder / "90p-00001.m4s").unlink()
        case "playlist":
            (folder / "90p.m3u8").unlink()
        case "short":
            shutil.copy(folder / "90p-00000.m4s", folder / "90p-00001.m4s")
        case "stream":
            master.write_text(master.read_text().replace("90p.m3u8", "80p.m3u8"))
    with pytest.raises(PermanentError, match="the finished output is wrong") as caught:
        verify_hls(master, streams, text, lambda: None)
    assert caught.value.reason is Reason.VERIFICATION_FAILED


def test_more_files_than_can_be_published_are_refused(studio: Studio) -> None:
    output = {"name": "main", "format": "hls", "segmentDuration": "1ms"}
    with pytest.raises(PermanentError, match=r"^spec\.outputs\[0\]\.segmentDuration: 0\.001s makes 8002 files"):
        studio.render([{"color": "#000000", "duration": "4s"}], outputs=[output])
