"""Assignments that render for as long as a test needs, from nothing but colours."""

from videojob_contract.assignment import Assignment


def assignment(
    uid: str = "uid-1", *, seconds: int = 1, attempt: int = 1, deadline: str = "5m", **clip: object
) -> Assignment:
    """Colours that fade into each other, so that every frame is work; many for a long render."""
    step = max(1, seconds // 200)  # a spec has at most 500 clips
    clips: list[dict[str, object]] = [{"color": "#000000", "duration": f"{step}s", **clip}]
    clips += [
        {
            "color": f"#{(index * 37) % 256:02x}8040",
            "duration": f"{2 * step}s",
            "transition": {"type": "crossfade", "duration": f"{step}s", "easing": "linear"},
        }
        for index in range(seconds // step - 1)
    ]
    draft = {"quality": "draft"}
    return Assignment.model_validate(
        {
            "uid": uid,
            "namespace": "films",
            "name": "holiday",
            "attempt": attempt,
            "deadline": deadline,
            "softDeadline": deadline,
            "spec": {
                "canvas": {"width": 320, "height": 180, "fps": "25", "background": "#000000"},
                "clips": clips,
                "outputs": [
                    {**draft, "name": "main", "format": "mp4", "codec": "h264", "uri": "volume://media/out/main.mp4"},
                    {**draft, "name": "poster", "format": "jpg", "uri": "volume://media/out/poster.jpg"},
                ],
            },
        }
    )  # fmt: skip
