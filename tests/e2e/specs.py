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


def long(clip_s: int = 3) -> Spec:
    """Several seconds of work on one core: photographs in motion, in which every frame differs."""
    names = ["astronaut.png", "coffee.png", "chelsea.png", "rocket.jpg"]
    return {
        "canvas": {"width": 1280, "height": 720, "fps": "30"},
        "clips": [
            {
                "image": {"uri": f"volume://media/photos/{name}"},
                "duration": f"{clip_s}s",
                "motion": {"zoom": {"from": 1, "to": 1.5}},
            }
            for name in names
        ],
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
