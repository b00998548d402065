"""The renderer process, called by `child` as `python -m videojob_worker.renderer REQUESTS ANSWERS PARENT MEMORY`.

The arguments are two descriptors, the supervisor's process id, and the limit of memory in bytes (0: none).
"""

import gc
import sys


def main() -> None:
    """Serve one request."""
    gc.disable()  # until all is loaded: to look for garbage among modules is a tenth of what loading takes
    from videojob_worker.renderer.serving import serve  # noqa: PLC0415 - after that

    serve(*map(int, sys.argv[1:]))


if __name__ == "__main__":
    main()
