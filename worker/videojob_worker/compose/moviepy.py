"""MoviePy, loaded when a clip first needs an effect of it, and without its programs.

When it is loaded, MoviePy looks for an ffmpeg to read and write files with, starts it, and reads an environment from a
file. Effects need none of that, and here they would find a sandbox.
"""

import sys
import warnings
from functools import cache
from threading import Lock
from types import ModuleType
from typing import Any

_LOCK = Lock()


@cache
def load_moviepy() -> Any:
    """Return the module `moviepy`."""
    with _LOCK:
        if "moviepy" not in sys.modules:
            config = ModuleType("moviepy.config")
            vars(config).update(FFMPEG_BINARY="unset", FFPLAY_BINARY="unset")
            sys.modules[config.__name__] = config
        with warnings.catch_warnings():
            # Its own, about its own code.
            warnings.simplefilter("ignore")
            import moviepy  # type: ignore[import-untyped]  # noqa: PLC0415 - heavy, and seldom needed
    return moviepy
