"""How long and how large what workers say may be: more is not read, because what follows from it would be refused."""

import re
from typing import Annotated

from pydantic import Field, StringConstraints

Uid = Annotated[str, StringConstraints(min_length=1, max_length=256)]
"""UID of a VideoJob."""

NAME = re.compile(r"[A-Za-z0-9.-]+")
"""What names of queues, pods and Jobs are made of."""

_NAME = rf"^{NAME.pattern}$"
PodName = Annotated[str, StringConstraints(pattern=_NAME, max_length=253)]
JobName = Annotated[str, StringConstraints(pattern=_NAME, max_length=63)]
QueueName = Annotated[str, StringConstraints(pattern=_NAME, max_length=63)]
User = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._@-]*$", max_length=63)]
"""`spec.user` of a VideoJob, or nothing."""
Token = Annotated[str, StringConstraints(pattern=_NAME, max_length=64)]

Milliseconds = Annotated[float, Field(ge=0, le=1e14)]
"""Since 1970, by Redis' clock; until the year 5138."""
