"""Encoders outside the processor, on a machine that has none: what is missing is named, or done without if allowed."""

import subprocess
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.render.studio import Studio, color, probe
from videojob_contract.assignment import Progress
from videojob_contract.errors import PermanentError, Reason
from videojob_contract.resources.encoding import Encoding, Hardware
from videojob_contract.resources.outputs import Codec, Quality
from videojob_worker import engine
from videojob_worker.encode.codecs import HARDWARE, SOFTWARE
from videojob_worker.encode.encoder import new_encoder
from videojob_worker.encode.hardware import missing_hardware
from videojob_worker.encode.settings import VideoSettings

pytestmark = pytest.mark.skipif(
    Path("/dev/nvidiactl").exists() or Path("/dev/dri").exists(), reason="this machine may have such encoders"
)


def render(studio: Studio, output: Mapping[str, Any], encoding: Encoding) -> tuple[Path, list[Progress]]:
    request = studio.request([color("#204060", "200ms")], outputs=[output])
    request = replace(request, settings=request.settings.model_copy(update={"encoding": encoding}))
    told: list[Progress] = []
    return engine.render(request, told.append, lambda: False)[0].path, told


@pytest.mark.parametrize(
    ("hardware", "output", "says"),
    [
        (
            "nvenc",
            {"format": "mp4"},
            r"h264_nvenc does not open \(Cannot load libcuda\.so\.1\); it needs an NVIDIA GPU",
        ),
        ("nvenc", {"format": "mp4", "codec": "h265"}, r"hevc_nvenc does not open"),
        ("nvenc", {"format": "mp4", "codec": "av1"}, r"av1_nvenc does not open"),
        ("nvenc", {"format": "webm"}, r"nvenc has no encoder for vp9"),
        ("nvenc", {"format": "hls"}, r"h264_nvenc does not open"),
        ("vaapi", {"format": "mp4"}, r"this build of libav has no h264_vaapi"),
    ],
)
def test_what_is_missing_is_named_before_any_frame(
    studio: Studio, hardware: str, output: dict[str, Any], says: str
) -> None:
    with pytest.raises(PermanentError, match=rf"^spec\.outputs\[0\]: {says}") as caught:
        render(studio, {"name": "main", **output}, Encoding(hardware=Hardware(hardware)))
    assert caught.value.reason is Reason.NOT_SUPPORTED
    assert "spec.encoding.fallback" in caught.value.message


def test_a_fallback_is_told_of(studio: Studio, caplog: pytest.LogCaptureFixture) -> None:
    encoding = Encoding(hardware=Hardware.NVENC, fallback=True)
    path, told = render(studio, {"name": "main", "format": "mp4"}, encoding)
    assert probe(path)["streams"][0]["codec_name"] == "h264"
    [record] = [each for each in caplog.records if each.name == "videojob.outputs"]
    assert "h264_nvenc does not open" in record.message
    assert record.message.endswith("encoding with libx264")
    assert record.message in {progress.message for progress in told}


def test_what_needs_no_encoder_of_theirs_needs_no_hardware(studio: Studio) -> None:
    for format_ in ("gif", "png"):
        render(studio, {"name": format_, "format": format_}, Encoding(hardware=Hardware.NVENC))


@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265])
@pytest.mark.parametrize("quality", list(Quality))
def test_options_are_ones_that_the_encoder_has(codec: Codec, quality: Quality) -> None:
    encoder = HARDWARE[Hardware.NVENC][codec]
    preset, crf = encoder.qualities[quality]
    settings = VideoSettings(
        codec, encoder.name, 256, 256, Fraction(30), {"preset": preset, **encoder.options}, crf=crf
    )
    options = new_encoder(settings, 1).options
    assert options["cq"] == str(SOFTWARE[codec].qualities[quality][1])
    command = ["ffmpeg", "-hide_banner", "-h", f"encoder={encoder.name}"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for name in options:
        assert f"\n  -{name} " in told
    assert f"\n     {options['preset']} " in told
    assert f"\n     {options['rc']} " in told


def test_it_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    missing_hardware.cache_clear()
    opened: list[str] = []
    monkeypatch.setattr(
        "videojob_worker.encode.hardware.new_encoder",
        lambda settings, _: opened.append(settings.encoder) or new_encoder(settings, 1),
    )
    assert missing_hardware(Codec.H264, Hardware.NVENC) == missing_hardware(Codec.H264, Hardware.NVENC)
    assert opened == ["h264_nvenc"]
    missing_hardware.cache_clear()
