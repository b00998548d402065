"""Log lines of the operator.

The subject is bound once, where a key is taken from a work queue (`videojob_common.logs.about`). So a line that a
library logs in the middle of a reconcile has it too.
"""

from typing import Literal

from videojob_common.logs import JsonFormatter, TextFormatter, log_to_stderr


def configure(style: Literal["json", "text"], level: str) -> None:
    """Send every logger's lines to standard error, in one style."""
    # kopf tells of each event it dispatches, and aiohttp of each scrape: neither is news.
    log_to_stderr(JsonFormatter() if style == "json" else TextFormatter(), level, quiet=("kopf", "aiohttp.access"))
