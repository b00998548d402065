"""How many finished VideoJobs are kept."""

from typing import Annotated

from pydantic import Field

from videojob_contract.resources.base import Model

_Kept = Annotated[int, Field(ge=0, le=1_000_000)]


class History(Model):
    """How many finished VideoJobs are kept: the oldest beyond that are deleted; their outputs stay."""

    succeeded: _Kept | None = None
    """Of those that succeeded; all of them without a number."""
    failed: _Kept | None = None
    """Of those that failed or were cancelled; all of them without a number."""
