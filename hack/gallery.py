"""Renders the samples and shows moments of them in docs/gallery.md.

Run by `make gallery`, after a change of what is drawn. Each sample is rendered by `videojob render`, the pictures are
taken from the finished video.
"""

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import yaml
from PIL import Image

from hack import media, samples

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "gallery.md"
PICTURES = ROOT / "docs" / "gallery"
WIDTH = 320
"""Width of one moment in a picture, in pixels."""
COLUMNS = 4
_INTRODUCTION = """\
# Gallery

What the samples of `manifests/samples` look like. `make gallery` renders them and writes this page; the photographs,
clips and music come with packages that `make venv` installs, and `make demo` puts them into the volume `media`.

"""


@dataclass(frozen=True)
class Exhibit:
    """A sample and the moments of it that are shown, in seconds."""

    name: str
    title: str
    moments: tuple[Fraction, ...]

    @property
    def manifest(self) -> Path:
        """Its file."""
        return samples.manifest(self.name)

    @property
    def picture(self) -> Path:
        """Its moments side by side."""
        return PICTURES / f"{self.name}.jpg"


def _exhibit(name: str, title: str, moments: str) -> Exhibit:
    return Exhibit(name, title, tuple(Fraction(moment) for moment in moments.split()))


EXHIBITS = (
    _exhibit("slideshow", "A slideshow", "0.5 2.75 5 12"),
    _exhibit("clips", "Clips of every kind", "0.7 2.2 4 5.7 7 7.7"),
    _exhibit("video", "Videos: trimmed, slow, fast, backwards, repeated", "1 3 4.5 6 7.5"),
    _exhibit("joined", "Trim and join", "0.5 2.8 4.5"),
    _exhibit("fit", "Fit", "0.5 1.5 2.5 3.5 4.5"),
    _exhibit("motion", "Motion", "0 2.9 3.5 5.5 6.5 9.5"),
    _exhibit("transitions", "Transitions", " ".join(str(Fraction(6, 10) + Fraction(8, 10) * n) for n in range(16))),
    _exhibit("effects", "Effects", "0.5 1.5 2.5 3.5 4.3"),
    _exhibit("titles", "Titles", "0.5 1.5 2.5 3.5"),
    _exhibit("overlays", "Overlays and watermarks", "0.2 0.8 1.1 2.5"),
    _exhibit("subtitles", "Subtitles", "0.5 1.5 3.5"),
    _exhibit("template", "Templates", "1 2 4"),
)


def main() -> int:
    """Render every sample and write the page."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="videojob-gallery-") as name:
        folder = Path(name)
        media.copy_to(folder / "media")
        for exhibit in EXHIBITS:
            print(exhibit.name, flush=True)
            _draw(exhibit, folder)
    PAGE.write_text(page())
    return 0


def page() -> str:
    """Write the page."""
    parts = [_INTRODUCTION.rstrip()]
    for exhibit in EXHIBITS:
        manifest = exhibit.manifest.read_text()
        about = manifest.partition("\n")[0].removeprefix("# ")
        parts += [
            f"## {exhibit.title}",
            f"{about} [{exhibit.manifest.name}](../manifests/samples/{exhibit.manifest.name})",
            f"![{exhibit.title}](gallery/{exhibit.picture.name})",
        ]
    return "\n\n".join(parts) + "\n"


def _draw(exhibit: Exhibit, folder: Path) -> None:
    command = [
        str(Path(sys.executable).parent / "videojob"),
        "render",
        str(exhibit.manifest),
        "--out",
        str(folder / "out"),
    ]
    subprocess.run([*command, "--volume", f"media={folder / 'media'}"], check=True, stdout=subprocess.DEVNULL)
    outputs = (yaml.safe_load(exhibit.manifest.read_text())["spec"].get("outputs")) or [{"name": "main"}]
    video = folder / "out" / exhibit.name / f"{outputs[0]['name']}.mp4"
    frames = [_frame(video, moment, folder / "frame.png") for moment in exhibit.moments]
    height = frames[0].height * WIDTH // frames[0].width
    rows = -(-len(frames) // COLUMNS)
    sheet = Image.new("RGB", (WIDTH * min(COLUMNS, len(frames)), height * rows), "white")
    for number, frame in enumerate(frames):
        row, column = divmod(number, COLUMNS)
        sheet.paste(frame.resize((WIDTH, height), Image.Resampling.LANCZOS), (column * WIDTH, row * height))
    sheet.save(exhibit.picture, quality=80, optimize=True)


def _frame(video: Path, moment: Fraction, picture: Path) -> Image.Image:
    seek = ["ffmpeg", "-v", "error", "-y", "-ss", str(float(moment)), "-i", str(video), "-frames:v", "1"]
    subprocess.run([*seek, str(picture)], check=True)
    with Image.open(picture) as image:
        return image.convert("RGB")


if __name__ == "__main__":
    sys.exit(main())
