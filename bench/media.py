"""Real pictures, video and music for the benchmark, made from locked packages and kept in the cache."""

import os
import subprocess
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from hack import media

_PHOTOGRAPHS = (
    "astronaut.png",
    "camera.png",
    "chelsea.png",
    "coffee.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "motorcycle_left.png",
    "motorcycle_right.png",
    "retina.jpg",
    "rocket.jpg",
)
# Each with the second of the source at which it starts, and the picture filled.
_VIDEOS = ((1, 0), (0, 0), (2, 0), (0, 5))
FPS = 30
KEYFRAMES = 30


@cache
def folder() -> Path:
    """Return the folder in which prepared media are kept."""
    path = Path(os.environ.get("VIDEOJOB_CACHE") or Path.home() / ".cache" / "videojob") / "bench"
    path.mkdir(parents=True, exist_ok=True)
    return path


def photographs(count: int, size: tuple[int, int]) -> list[Path]:
    """Return the files of `count` photographs of a size, as JPEG; beyond ten they repeat."""
    return [_photograph(_PHOTOGRAPHS[index % len(_PHOTOGRAPHS)], size) for index in range(count)]


def videos(count: int, size: tuple[int, int], length_s: float) -> list[Path]:
    """Return silent H.264 clips of real footage, which repeats where it is too short."""
    made = []
    for index in range(count):
        source, start_s = _VIDEOS[index % len(_VIDEOS)]
        path = folder() / f"video-{index % len(_VIDEOS)}-{size[0]}x{size[1]}-{length_s:g}s.mp4"
        clip = media.clip(media.CLIPS[source])
        made.append(_film(clip, path, size, length_s, before=["-ss", str(start_s)], sound=["-an"]))
    return made


def talk(size: tuple[int, int], length_s: float) -> Path:
    """Return footage with sound, and a keyframe each second."""
    path = folder() / f"talk-{size[0]}x{size[1]}-{length_s:g}s.mp4"
    sound = ["-c:a", "aac", "-b:a", "160k", "-ar", "48000"]
    return _film(media.clip("bigbuckbunny.mp4"), path, size, length_s, before=[], sound=sound)


def music(length_s: float) -> Path:
    """Return music of at least this length, as MP3."""
    path = folder() / f"music-{length_s:g}s.mp3"
    if not path.exists():
        _ffmpeg(path, "-stream_loop", "-1", "-i", str(media.music()), "-t", f"{length_s:g}", "-c:a", "libmp3lame")
    return path


def watermark(width: int) -> Path:
    """Return a picture with transparent parts."""
    path = folder() / f"watermark-{width}.png"
    if not path.exists():
        height = width // 4
        mark = Image.new("RGBA", (width, height), (0, 0, 0, 0))
        draw = ImageDraw.Draw(mark)
        draw.rounded_rectangle((1, 1, width - 2, height - 2), height // 3, outline="white", width=max(1, height // 20))
        draw.text((width / 2, height / 2), "VideoJob", "white", ImageFont.load_default(height * 0.6), "mm")
        mark.save(path)
    return path


def subtitles(length_s: float) -> Path:
    """Return an SRT file with a line every three seconds."""
    path = folder() / f"subtitles-{length_s:g}s.srt"
    cues = []
    for number, start in enumerate(range(0, int(length_s), 3)):
        times = f"{_clock(start + 0.2)} --> {_clock(min(start + 2.6, length_s))}"
        cues.append(f"{number + 1}\n{times}\nLine {number + 1} of the subtitles,\nand what follows it.\n")
    path.write_text("\n".join([*cues, ""]), encoding="utf-8")
    return path


def _clock(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    return f"00:{milliseconds // 60_000:02}:{milliseconds // 1000 % 60:02},{milliseconds % 1000:03}"


def _photograph(name: str, size: tuple[int, int]) -> Path:
    path = folder() / f"{Path(name).stem}-{size[0]}x{size[1]}.jpg"
    if not path.exists():
        with Image.open(media.photograph(name)) as image:
            scale = max(size[0] / image.width, size[1] / image.height)
            whole = image.convert("RGB").resize(
                (round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS
            )
        left, top = (whole.width - size[0]) // 2, (whole.height - size[1]) // 2
        whole.crop((left, top, left + size[0], top + size[1])).save(path, quality=92)
    return path


def _film(
    source: Path, path: Path, size: tuple[int, int], length_s: float, *, before: list[str], sound: list[str]
) -> Path:
    if not path.exists():
        fill = f"scale={size[0]}:{size[1]}:force_original_aspect_ratio=increase:flags=lanczos,crop={size[0]}:{size[1]}"
        picture = ["-vf", f"{fill},fps={FPS},setsar=1,format=yuv420p", "-c:v", "libx264", "-preset", "fast"]
        picture += ["-crf", "18", "-g", str(KEYFRAMES), "-keyint_min", str(KEYFRAMES), "-sc_threshold", "0"]
        picture += ["-x264-params", "open-gop=0", "-color_primaries", "bt709", "-color_trc", "bt709"]
        picture += ["-colorspace", "bt709"]
        _ffmpeg(path, "-stream_loop", "-1", *before, "-i", str(source), "-t", f"{length_s:g}", *picture, *sound)
    return path


def _ffmpeg(path: Path, *words: str) -> None:
    """Make a file whole or not at all."""
    unfinished = path.with_stem(path.stem + ".part")
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", *words, str(unfinished)], check=True)
    unfinished.rename(path)
