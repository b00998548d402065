"""What the engine loads before its first render."""

import subprocess
import sys

from videojob_worker.media.pictures import image


def test_pillow_loads_the_formats_that_are_read_and_hardly_another() -> None:
    code = "from PIL import Image; from videojob_worker import engine; engine.preload(); print(*Image.OPEN)"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert set(image._FORMATS.values()) <= loaded
    assert loaded - set(image._FORMATS.values()) <= {
        "DIB",
        "PPM",
    }  # which come with BMP, and with what Pillow begins with
