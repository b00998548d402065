"""Reading how large pictures are coded: libav's decoder is the oracle."""

from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ffmpeg import ffmpeg
from videojob_contract.resources.outputs import Codec
from videojob_worker.media.video.parameter_sets import coded_size

START = b"\0\0\1"
WAYS = {
    "baseline": (Codec.H264, "yuv420p", "profile=baseline"),
    "high": (Codec.H264, "yuv420p", "profile=high"),
    "interlaced": (Codec.H264, "yuv420p", "interlaced=1:keyint=2"),
    "scaling lists": (Codec.H264, "yuv420p", "cqm=jvt"),
    "4:2:2, 10 bits": (Codec.H264, "yuv422p10", "keyint=2"),
    "4:4:4 with scaling lists": (Codec.H264, "yuv444p", "cqm=jvt"),
    "grey": (Codec.H264, "gray", "keyint=2"),
    "H.265": (Codec.H265, "yuv420p", "keyint=2"),
    "H.265, 10 bits": (Codec.H265, "yuv420p10", "keyint=2"),
    "H.265, 4:4:4": (Codec.H265, "yuv444p12", "keyint=2"),
    "H.265, layers of time": (Codec.H265, "yuv420p", "temporal-layers=1"),
}


def encoded(path: Path, codec: Codec, pixels: str, settings: str, size: str) -> Path:
    encoder = "x264" if codec is Codec.H264 else "x265"
    ffmpeg(
        *("-f", "lavfi", "-i", f"testsrc=s={size}:d=0.2", "-pix_fmt", pixels, "-c:v", f"lib{encoder}"),
        *(f"-{encoder}-params", f"{settings}:log-level=none" if codec is Codec.H265 else settings),
        *("-preset", "ultrafast", path),
    )
    return path


def told_and_found(path: Path, codec: Codec) -> tuple[set[tuple[int, int]], tuple[int, int]]:
    """What the sets of a stream tell, and what libav finds when it decodes it."""
    with av.open(path) as container:
        stream = container.streams.video[0]
        packets = list(container.demux(stream))
        for packet in packets:
            packet.decode()
        data = b"".join(bytes(packet) for packet in packets if packet.size)
        found = stream.codec_context.coded_width, stream.codec_context.coded_height
    return {size for unit in data.split(START) if (size := coded_size(codec, unit))}, found


@pytest.mark.parametrize("way", WAYS)
def test_the_size_is_the_one_that_libav_finds(tmp_path: Path, way: str) -> None:
    for size in ("324x244", "1916x1076"):
        path = encoded(tmp_path / f"{size}.ts", *WAYS[way], size)
        told, found = told_and_found(path, WAYS[way][0])
        assert told == {found}


@given(codec=st.sampled_from([Codec.H264, Codec.H265]), profile=st.sampled_from([66, 100, 244]), rest=st.binary())
def test_whatever_a_set_says_it_has_a_size_or_none(codec: Codec, profile: int, rest: bytes) -> None:
    header = b"\x67" if codec is Codec.H264 else b"\x42\1\1"
    size = coded_size(codec, header + bytes([profile]) + rest)
    assert size is None or min(size) >= 0


def test_what_is_larger_than_libav_reads_is_damage() -> None:
    damage = bytes.fromhex("070000238400000f27000004")
    assert coded_size(Codec.H264, damage) is None


def test_other_units_have_no_size() -> None:
    assert coded_size(Codec.H264, b"") is coded_size(Codec.H264, b"\x68" + bytes(9)) is None
