"""What the worker's image has to bring along: libraries of text, fonts, effects and codecs, used by one job."""

from pathlib import Path
from typing import Any

from tests.e2e.cluster import Cluster
from tests.e2e.test_slideshow import probe

SPEC: dict[str, Any] = {
    "pool": "e2e",
    "parameters": {"name": "Ana", "seconds": "1s"},
    "canvas": {"width": 640, "height": 360, "fps": "25"},
    "clips": [
        {"title": {"text": "{{ name }} · 你好 · שלום · 🎬", "size": 48}, "duration": "{{ seconds }}"},
        {
            "image": {"uri": "volume://media/photos/chelsea.png"},
            "duration": "1s",
            "effects": [{"name": "BlackAndWhite"}],
            "transition": {"type": "circleOpen", "duration": "200ms"},
        },
        {
            "video": {"uri": "volume://media/clips/bigbuckbunny.mp4", "from": "1s", "to": "3s"},
            "transition": {"type": "hlslice", "duration": "200ms"},
        },
    ],
    "overlays": [{"image": {"uri": "volume://media/pictures/watermark.png"}, "scale": 0.2}],
    "subtitles": {"uri": "volume://media/text/bunny.srt"},
    "audio": {"tracks": [{"uri": "volume://media/music/house_lo.mp3", "loop": True, "duck": {}}], "loudness": -16},
    "outputs": [
        {"name": "main", "format": "mp4"},
        {"name": "web", "format": "webm", "quality": "draft"},
        {"name": "stream", "format": "hls", "segmentDuration": "1s", "renditions": [{"height": 360}, {"height": 180}]},
        {"name": "chat", "format": "gif", "width": 160},
        {"name": "sound", "format": "mp3"},
        {"name": "thumbnails", "format": "sprite"},
    ],
}


def test_one_job_uses_everything_that_the_image_brings(cluster: Cluster, media_folder: Path) -> None:
    cluster.create("features", SPEC)
    status = cluster.finish("features")
    assert status["phase"] == "Succeeded", status
    outputs = {output["name"]: output for output in status["outputs"]}
    assert list(outputs) == [output["name"] for output in SPEC["outputs"]]
    files = {name: media_folder / output["uri"].removeprefix("volume://media/") for name, output in outputs.items()}
    codecs = {name: {stream["codec_name"] for stream in probe(path)["streams"]} for name, path in files.items()}
    assert codecs == {
        "main": {"h264", "aac"},
        "web": {"vp9", "opus"},
        "stream": {"h264", "aac"},
        "chat": {"gif"},
        "sound": {"mp3"},
        "thumbnails": {"mjpeg"},
    }
    assert outputs["main"]["frames"] == 90
    assert files["thumbnails"].with_suffix(".vtt").read_text().startswith("WEBVTT")
    assert all(path.stat().st_size for path in files["stream"].parent.rglob("*.m4s"))
