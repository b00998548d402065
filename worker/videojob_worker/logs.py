"""Log lines of a worker: JSON, with the job and the attempt once they are known (`videojob_common.logs.bind`)."""

from videojob_common.logs import JsonFormatter, log_to_stderr


def configure(level: str) -> None:
    """Log to standard error as JSON."""
    log_to_stderr(JsonFormatter(), level, quiet=("httpcore", "asyncio"))
