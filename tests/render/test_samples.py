"""Every sample is rendered, half as large as it asks for, and has what it shows."""

import re
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import yaml
from PIL import Image

from hack import gallery, samples
from hack.media import copy_to
from tests.render.studio import probe
from videojob_cli.volumes import local_pool
from videojob_contract.defaults import resolve
from videojob_contract.resources.uris import Use, iter_uris
from videojob_contract.validation import parse_videojob
from videojob_worker.engine import render
from videojob_worker.render_settings import RenderSettings
from videojob_worker.request import RenderedOutput, RenderRequest

AS_LARGE_AS_ITS_SOURCE = {"joined"}
SHOWN = {exhibit.name: exhibit for exhibit in gallery.EXHIBITS}

Rendered = dict[str, RenderedOutput]


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("media")
    copy_to(folder)
    return folder


@pytest.fixture(scope="module")
def rendered(volume: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Rendered]:
    """Renders a sample, once."""
    done: dict[str, Rendered] = {}

    def make(name: str) -> Rendered:
        if name not in done:
            resource = yaml.safe_load(samples.manifest(name).read_text())
            job = parse_videojob(resource if name in AS_LARGE_AS_ITS_SOURCE else halved(resource))
            spec = resolve(job.spec, local_pool(job.spec), namespace="default", name=name)
            uris = {uri for _, uri, use in iter_uris(spec) if use is Use.SOURCE}
            sources = {uri: volume / uri.removeprefix("volume://media/") for uri in uris}
            settings = RenderSettings(spec=spec, name=name, threads=2)
            request = RenderRequest(settings, sources, tmp_path_factory.mktemp(name))
            outputs = render(request, lambda _: None, lambda: False)
            done[name] = {output.name: output for output in outputs}
        return done[name]

    return make


def halved(resource: dict[str, Any]) -> dict[str, Any]:
    """Half as wide and high, text too, and encoded fast."""
    spec = resource["spec"]
    canvas = spec.setdefault("canvas", {"width": 1920, "height": 1080})
    canvas |= {side: canvas[side] // 4 * 2 for side in ("width", "height")}
    titles = [layer["title"] for layer in [*spec["clips"], *spec.get("overlays", [])] if "title" in layer]
    for sized in [*titles, *([spec["subtitles"]["style"]] if "subtitles" in spec else [])]:
        sized["size"] = sized.get("size", 96) // 2
    for output in spec.get("outputs", []):
        if output["format"] in {"mp4", "hls"} and output.get("codec", "h264") in {"h264", "h265"}:
            output["preset"] = "ultrafast"
    return resource


@pytest.mark.parametrize("name", samples.VIDEOJOBS)
def test_a_sample_is_as_long_as_it_says(rendered: Callable[[str], Rendered], name: str) -> None:
    main = rendered(name)["main"]
    found = probe(main.path, "-count_frames")
    picture = next(stream for stream in found["streams"] if stream["codec_type"] == "video")
    assert int(picture["nb_read_frames"]) == main.frames
    assert main.duration is not None
    assert abs(Fraction(found["format"]["duration"]) - main.duration) < Fraction(1, 20)


@pytest.mark.parametrize("name", sorted(SHOWN))
def test_each_moment_that_the_gallery_shows_is_another_picture(
    rendered: Callable[[str], Rendered], tmp_path: Path, name: str
) -> None:
    main = rendered(name)["main"]
    seen: list[np.ndarray[Any, np.dtype[np.int16]]] = []
    for moment in SHOWN[name].moments:
        command = ["ffmpeg", "-v", "error", "-y", "-ss", f"{float(moment):.3f}", "-i", str(main.path)]
        subprocess.run([*command, "-frames:v", "1", str(tmp_path / "frame.png")], check=True)
        with Image.open(tmp_path / "frame.png") as image:
            seen.append(np.asarray(image.convert("RGB"), np.int16))
        assert all(np.abs(seen[-1] - earlier).mean() > 1 for earlier in seen[:-1]), f"at {float(moment)} s"


def test_the_gallery_shows_every_sample_that_there_is_to_see() -> None:
    heard = {"ducked-music", "narration", "outputs"}
    assert set(SHOWN) | heard | {"everything", "fade-through-black", "minimal"} == set(samples.VIDEOJOBS)
    assert gallery.PAGE.read_text() == gallery.page(), "run: make gallery"
    assert {path.stem for path in gallery.PICTURES.iterdir()} == set(SHOWN), "run: make gallery"


def test_joined_pieces_are_taken_as_they_are(rendered: Callable[[str], Rendered], volume: Path) -> None:
    def packets(path: Path) -> list[bytes]:
        with av.open(str(path)) as container:
            return [bytes(packet) for packet in container.demux(container.streams.video[0]) if packet.size]

    main = rendered("joined")["main"]
    assert main.frames == len(packets(main.path)) == 61 + 30 + 55
    assert set(packets(main.path)) <= set(packets(volume / "clips" / "bikes.mp4"))


def test_the_sound_has_the_loudness_that_it_asks_for(rendered: Callable[[str], Rendered]) -> None:
    path = rendered("ducked-music")["main"].path
    command = ["ffmpeg", "-hide_banner", "-nostats", "-i", str(path), "-af", "ebur128=peak=true", "-f", "null", "-"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    loudness = float(re.findall(r"I:\s+(-?[\d.]+) LUFS", said)[-1])
    assert loudness == pytest.approx(-16, abs=0.6)


def test_every_output_of_the_sample_is_there_and_is_what_it_says(rendered: Callable[[str], Rendered]) -> None:
    outputs = rendered("outputs")
    codecs = {
        name: [stream["codec_name"] for stream in probe(output.path)["streams"]]
        for name, output in outputs.items()
        if name != "sticker"  # animated WebP, which this ffprobe cannot read
    }
    assert codecs == {
        "main": ["h264", "aac"],
        "small": ["hevc", "aac"],
        "modern": ["av1", "aac"],
        "web": ["vp9", "opus"],
        "limited": ["h264", "aac"],
        "stream": codecs["stream"],
        "chat": ["gif"],
        "sound": ["mp3"],
        "podcast": ["aac"],
        "poster": ["mjpeg"],
        "thumbnails": ["mjpeg"],
    }
    assert sorted(set(codecs["stream"])) == ["aac", "h264"]
    with Image.open(outputs["sticker"].path) as sticker:
        assert sticker.format == "WEBP"
        assert getattr(sticker, "n_frames", 1) > 50
