"""Whatever fails inside a frame, or while a source is read, says of which clip, overlay or source it was."""

from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.ffmpeg import ffmpeg
from tests.render.captioned import ONE
from tests.render.studio import Studio, color, uri
from videojob_contract.errors import PermanentError, Reason

FILM = r"video\.uri: volume://media/film\.mkv"
FAULTS = {
    "media.video.frame_shape._matrix": rf"spec\.clips\[1\]\.{FILM}",
    "media.video.reader.Reader.at": rf"spec\.clips\[1\]\.{FILM}",
    "compose.layers.video.CanvasConverter": rf"spec\.clips\[1\]\.{FILM}",
    "compose.layers.video.VideoSprite.pictures": rf"spec\.overlays\[0\]\.{FILM}",
    "compose.overlays.draw_overlay_title": r"spec\.overlays\[1\]\.title",
    "pixels.sprite.Sprite.draw": r"spec\.overlays\[1\]\.title",
    "compose.clips.color.solid": r"spec\.clips\[0\]\.color",
    "compose.captions.CaptionPainter.paint": r"spec\.subtitles",
    "compose.compositor.start": r"spec\.clips\[1\]\.transition",
    "audio.soundtrack.decode_sound": rf"spec\.clips\[1\]\.{FILM}",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_failure_names_what_it_is_of(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    def fail(*_: Any, **__: Any) -> NoReturn:
        raise ValueError("box offset can't be negative")

    path, subtitles = tmp_path / "film.mkv", tmp_path / "a.srt"
    pictures, tone = ("-f", "lavfi", "-i", "testsrc2=s=64x36:r=25:d=2"), ("-f", "lavfi", "-i", "sine=d=2")
    ffmpeg(*pictures, *tone, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", path)
    subtitles.write_text(ONE)
    film = {"video": {"uri": uri(path)}}
    monkeypatch.setattr(f"videojob_worker.{fault}", fail)
    with pytest.raises(PermanentError, match=rf"^{FAULTS[fault]} failed: ValueError: box offset") as caught:
        studio.render(
            [color("#203040", "2s"), {**film, "transition": {"type": "crossfade", "duration": "500ms"}}],
            overlays=[{**film, "from": "2500ms"}, {"title": {"text": "over", "size": 9}}],
            subtitles={"uri": uri(subtitles)},
            files=[path, subtitles],
        )
    assert caught.value.reason is Reason.RENDER_FAILED
