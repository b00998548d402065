"""Log lines of the gateway: each request has one, with who asked (`videojob_common.logs.about`)."""

from typing import Literal

from videojob_common.logs import JsonFormatter, TextFormatter, log_to_stderr


def configure(style: Literal["json", "text"], level: str) -> None:
    """Send every logger's lines to standard error, in one style."""
    # uvicorn has a line for each request too, and tells of each start in four.
    log_to_stderr(JsonFormatter() if style == "json" else TextFormatter(), level, quiet=("uvicorn", "aiohttp"))
