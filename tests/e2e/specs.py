"""What the end-to-end tests render."""

from typing import Any

Spec = dict[str, Any]


def short(color: str = "#204060") -> Spec:
    """One second of one colour, small."""
    return {
        "canvas": {"width": 320, "height": 240, "fps": "25"},
        "clips": [{"color": color, "duration": "1s"}],
        "outputs": [{"name": "main", "format": "mp4"}],
    }


def long(crossfade_s: int = 5) -> Spec:
    """Several seconds of work on two cores: crossfades, in which every frame differs, at full size."""
    names = ["astronaut.png", "coffee.png", "chelsea.png", "rocket.jpg"]
    clips: list[Spec] = [
        {"image": {"uri": f"volume://media/photos/{name}"}, "duration": f"{2 * crossfade_s + 1}s"} for name in names
    ]
    for clip in clips[1:]:
        clip["transition"] = {"type": "crossfade", "duration": f"{crossfade_s}s"}
    return {
        "canvas": {"width": 1280, "height": 720, "fps": "30"},
        "clips": clips,
        "outputs": [{"name": "main", "format": "mp4"}],
    }


def still(uri: str) -> Spec:
    """One picture for one second."""
    return {
        "canvas": {"width": 320, "height": 240, "fps": "25"},
        "clips": [
            {"color": "#000000", "duration": "1s"},
            {"image": {"uri": uri}, "duration": "1s"},
        ],
        "outputs": [{"name": "main", "format": "mp4"}],
    }
