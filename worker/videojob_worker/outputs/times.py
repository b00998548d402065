"""Times as WebVTT has them."""

from fractions import Fraction


def timestamp(seconds: Fraction) -> str:
    """Write a time to the millisecond, such as `00:01:02.500`."""
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}"
