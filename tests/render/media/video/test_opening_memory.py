"""A small file that codes huge pictures takes little memory to open, for its pictures or its sound, and shows none."""

import json
import re
import subprocess
import sys
from pathlib import Path

import av
import pytest

from tests.ffmpeg import ffmpeg

MEASURE = """
import json, os, re, sys
from pathlib import Path
from videojob_contract.errors import PermanentError
from videojob_worker.media.files.source import Source
from videojob_worker.media.probe import probe_narration, probe_video
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
for path in sys.argv[1:]:
    for probe in probe_video, probe_narration:
        if os.fork():
            os.wait()
            continue
        Path("/proc/self/clear_refs").write_text("5")
        before, said = peak(), ""
        try:
            probe(Source("field", "uri", Path(path)))
        except PermanentError as error:
            said = str(error)
        print(json.dumps([Path(path).suffix, probe.__name__, peak() - before, said]), flush=True)
        os._exit(0)
"""
MOST = 40 << 20
"""Bytes that opening may take: less than one picture."""
SIZE = "8192x4416"
QUICK = ["-deadline", "realtime", "-cpu-used", "8"]
X265 = ["-preset", "ultrafast", "-x265-params", "log-level=none:pools=1"]
FILES: dict[str, tuple[list[str], str]] = {
    "h264": (["-c:v", "libx264", "-preset", "ultrafast", "-threads", "1"], "mp4 mov mkv avi flv ts vob asf"),
    "hevc": (["-c:v", "libx265", *X265], "mp4 mov mkv flv ts vob"),
    "av1": (["-c:v", "libsvtav1", "-preset", "13"], "mp4 mkv"),
    "vp9": (["-c:v", "libvpx-vp9", *QUICK], "mp4 mkv flv"),
    "vp8": (["-c:v", "libvpx", *QUICK], "mkv ogv"),
    "mpeg2video": (["-c:v", "mpeg2video"], "mp4 mov mkv avi ts vob asf"),
    "mpeg1video": (["-c:v", "mpeg1video"], "mp4 mov mkv avi ts vob asf"),
    "mpeg4": (["-c:v", "mpeg4"], "mp4 mov mkv avi ts vob asf"),
    "wmv2": (["-c:v", "wmv2"], "mkv avi asf"),
    "flv1": (["-c:v", "flv1"], "mkv avi flv"),
    "theora": (["-c:v", "libtheora"], "mkv ogv"),
    "mjpeg": (["-c:v", "mjpeg"], "mov mkv avi"),
    "png": (["-c:v", "png"], "mov mkv avi"),
    "prores": (["-c:v", "prores_ks"], "mov mkv"),
    "ffv1": (["-c:v", "ffv1"], "mkv avi"),
}
SMALL = {"mpeg1video": "64x64", "mpeg2video": "64x64", "mpeg4": "6400x5728"}
"""What encoders write that do not write larger ones."""
LARGE_SEQUENCE = b"\0\0\1\xb3\xff\xff\xff", b"\0\0\1\xb5\x14\x8b"
"""How headers of MPEG-2 begin (ISO/IEC 13818-2, 6.2.2) that code pictures of 8191x8191 pixels."""


def huge(folder: Path, codec: str) -> Path:
    """A film of a huge picture with a sound, in a file that all containers can be made of."""
    path = folder / ("film.ts" if codec in {"h264", "hevc"} or codec in SMALL else "film.mkv")
    color = f"color=red:s={SMALL.get(codec, SIZE)}:r=25:d=0.04"
    sound = "libvorbis" if "ogv" in FILES[codec][1] else "libmp3lame"
    tone = ["-f", "lavfi", "-i", "sine=d=0.3", "-c:a", sound]
    ffmpeg("-f", "lavfi", "-i", color, *tone, *FILES[codec][0], path)
    if codec.endswith("video"):
        sequence, extension = LARGE_SEQUENCE
        data = re.sub(b"\0\0\1\xb3...", lambda _: sequence, path.read_bytes(), flags=re.DOTALL)
        path.write_bytes(re.sub(b"\0\0\1\xb5\x14.", lambda _: extension, data, flags=re.DOTALL))
    return path


def repacked(film: Path, path: Path) -> Path:
    if path.suffix != ".flv":
        ffmpeg("-i", film, "-c", "copy", *(["-tag:v", "hvc1"] if "hevc" in str(path) else []), path)
        return path
    with av.open(film) as source, av.open(path, "w") as out:
        streams = [out.add_stream_from_template(stream) for stream in source.streams]
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                out.mux(packet)
    return path


@pytest.mark.parametrize("codec", FILES)
def test_no_container_and_codec_takes_room_for_what_is_too_large(tmp_path: Path, codec: str) -> None:
    film = huge(tmp_path, codec)
    files = [repacked(film, tmp_path / f"huge.{suffix}") for suffix in FILES[codec][1].split()]
    made = subprocess.check_output([sys.executable, "-c", MEASURE, *map(str, files)], text=True)
    found = [json.loads(line) for line in made.splitlines()]
    assert len(found) == 2 * len(files)
    for suffix, probe, peak, said in found:
        assert peak < MOST, (suffix, probe)
        # Some containers say that they are small, and not every decoder says why it fails.
        says = "35 megapixels|is a damaged video" if probe == "probe_video" else "^$"
        assert re.search(says, said), (suffix, probe)
