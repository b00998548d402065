"""The errors of this package.

Light to import: a worker does so before it can be claimed.
"""


class ConfigError(ValueError):
    """A setting is missing, or has a value that cannot be used; the message names its environment variable."""


class ForbiddenAddressError(Exception):
    """A host or address that may not be connected to."""


class MissingKeyError(Exception):
    """A Secret lacks a key, which is the message."""


class UnreadableKeyError(Exception):
    """A key of a Secret, which is the message, cannot be read as a file."""
