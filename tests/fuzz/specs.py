"""Random specs: mostly such as people write, with values from the edges of what the schema allows."""

from collections.abc import Sequence
from random import Random
from typing import Any

from tests.fuzz.corpus import FIELDS

_SHORT = ("40ms", "200ms", "500ms", "1s")
_EASINGS = ("linear", "easeIn", "easeOut", "easeInOut")
_TRANSITIONS = ("crossfade", "fade", "cut", "wipeLeft", "pushUp", "circleOpen", "pixelize", "dissolve", "radial")
_EFFECTS: tuple[dict[str, Any], ...] = (
    {"name": "BlackAndWhite"},
    {"name": "MirrorX"},
    {"name": "FadeIn", "args": {"duration": 0.2}},
    {"name": "Resize", "args": {"new_size": 0.01}},
    {"name": "Rotate", "args": {"angle": 33}},
    {"name": "LumContrast", "args": {"lum": 1e9}},
)
_TEXTS = ("Title", "שלום world", "你好 🎬", "\u202e\u0000\ufffe", "{\\fs9999}x", "a" * 4000, "\n" * 50, "{{ missing }}")


def make_spec(random: Random, names: Sequence[str]) -> dict[str, Any]:
    """Return the spec of a small job that names files of a folder by their kind, now and then by a wrong one."""
    clips = [_clip(random, names, first=index == 0) for index in range(random.randint(1, 3))]
    spec: dict[str, Any] = {
        "canvas": {"width": random.choice((16, 96, 130)), "height": random.choice((16, 64, 98)),
                   "fps": random.choice(("1", "10", "24000/1001", "60"))},
        "clips": clips,
        "outputs": [_output(random, index) for index in range(random.randint(1, 2))],
    }  # fmt: skip
    if random.random() < 0.4:
        spec["audio"] = {"tracks": [_track(random, names) for _ in range(random.randint(1, 2))]}
        if random.random() < 0.3:
            spec["audio"]["loudness"] = random.choice((-70, -14, -5))
    if random.random() < 0.3:
        spec["overlays"] = [_overlay(random, names)]
    if random.random() < 0.2:
        spec["subtitles"] = {"uri": _uri(random, names, "subtitles"), "soft": random.random() < 0.3}
    return spec


def _uri(random: Random, names: Sequence[str], field: str) -> str:
    fitting = [name for name in names if name.rpartition(".")[2] in FIELDS[field]]
    return f"volume://fuzz/{random.choice(fitting if random.random() < 0.9 else names)}"


def _clip(random: Random, names: Sequence[str], *, first: bool) -> dict[str, Any]:
    clip: dict[str, Any] = {"duration": random.choice(_SHORT)}
    match random.choice(("image", "image", "video", "video", "color", "gradient", "title")):
        case "image":
            clip["image"] = {"uri": _uri(random, names, "image")}
        case "video":
            clip["video"] = _video(random, names)
            if random.random() < 0.5:
                clip["duration"] = "auto"
        case "color":
            clip["color"] = "#336699"
        case "gradient":
            clip["gradient"] = {"colors": ["#000000", "#ffffff"], "angle": random.choice((0, 45, 360))}
        case _:
            clip["title"] = _title(random, names)
    if random.random() < 0.5:
        clip["fit"] = random.choice(("cover", "contain", "blur", "stretch"))
    if random.random() < 0.3:
        clip["motion"] = {"zoom": {"from": random.choice((1, 10)), "to": random.choice((1, 1.2, 10))},
                          "easing": random.choice(_EASINGS)}  # fmt: skip
    if random.random() < 0.2:
        clip["effects"] = [random.choice(_EFFECTS)]
    if not first and random.random() < 0.6:
        clip["transition"] = {"type": random.choice(_TRANSITIONS), "duration": random.choice(("40ms", "120ms"))}
        if clip["transition"]["type"] == "cut":
            del clip["transition"]["duration"]
    return clip


def _video(random: Random, names: Sequence[str]) -> dict[str, Any]:
    video: dict[str, Any] = {"uri": _uri(random, names, "video")}
    if random.random() < 0.4:
        video |= {"from": random.choice(("0s", "500ms", "9000h")), "loop": random.random() < 0.5}
    if random.random() < 0.4:
        video |= {"speed": random.choice((0.1, 0.5, 2, 10)), "reverse": random.random() < 0.5}
    return video


def _title(random: Random, names: Sequence[str]) -> dict[str, Any]:
    title: dict[str, Any] = {"text": random.choice(_TEXTS), "size": random.choice((4, 24, 500))}
    if random.random() < 0.3:
        title["font"] = _uri(random, names, "font")
    return title


def _overlay(random: Random, names: Sequence[str]) -> dict[str, Any]:
    overlay: dict[str, Any] = {"scale": random.choice((0.01, 0.3, 10)), "opacity": random.random()}
    match random.choice(("image", "video", "title")):
        case "image":
            overlay["image"] = {"uri": _uri(random, names, "image")}
        case "video":
            overlay["video"] = {"uri": _uri(random, names, "video"), "loop": True}
        case _:
            overlay["title"] = _title(random, names)
    return overlay


def _track(random: Random, names: Sequence[str]) -> dict[str, Any]:
    track: dict[str, Any] = {"uri": _uri(random, names, "sound"), "loop": random.random() < 0.5}
    if random.random() < 0.3:
        track |= {"from": random.choice(("0s", "1s", "5h")), "fadeIn": "100ms", "volume": random.choice((0, 10))}
    return track


def _output(random: Random, index: int) -> dict[str, Any]:
    format_ = random.choice(("mp4", "mp4", "webm", "gif", "webp", "jpg", "png", "m4a", "sprite"))
    return {
        "name": f"out{index}",
        "format": format_,
        "uri": f"volume://out/{index}.{_EXTENSIONS.get(format_, format_)}",
    }


_EXTENSIONS = {"sprite": "jpg"}
