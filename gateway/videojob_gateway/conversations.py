"""What is said by a WebSocket: a client says what it wants to know of, and is told of each change."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from videojob_client.errors import ClientError
from videojob_gateway.errors import GatewayError, TooManyStreamsError
from videojob_gateway.job_cache import JobRecord
from videojob_gateway.job_query import JobQuery
from videojob_gateway.live import Changes
from videojob_gateway.problem_json import of_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from videojob_gateway.auth.caller import Caller
    from videojob_gateway.gateway import Gateway

MOST_JOBS: Final = 100
"""VideoJobs that one client may name; beyond them it follows all of a project, say."""
_Text = Annotated[str, Field(min_length=1, max_length=253)]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class Subscribe(_Message):
    """Be told of some VideoJobs, or of all that are as it says: those before it stay."""

    type: Literal["subscribe"]
    jobs: Annotated[list[_Text], Field(max_length=MOST_JOBS)] | None = None
    user: _Text | None = None
    project: _Text | None = None
    pool: _Text | None = None
    queue: _Text | None = None
    labels: Annotated[list[_Text], Field(max_length=16)] = []
    since: Annotated[int, Field(ge=0, lt=1 << 63)] | None = None


class Unsubscribe(_Message):
    """Be told of some no more; of none where none is named."""

    type: Literal["unsubscribe"]
    jobs: Annotated[list[_Text], Field(max_length=MOST_JOBS)] | None = None


class Refresh(_Message):
    """Be told once more how those are that were named."""

    type: Literal["refresh"]


class Ping(_Message):
    """Be answered."""

    type: Literal["ping"]


_MESSAGES: TypeAdapter[Subscribe | Unsubscribe | Refresh | Ping] = TypeAdapter(
    Annotated[Subscribe | Unsubscribe | Refresh | Ping, Field(discriminator="type")]
)


class Told(Changes):
    """What one client has not been told yet: of the VideoJobs that it named, and of those that it described."""

    def __init__(self, visible: list[Callable[[JobRecord], bool]]) -> None:
        super().__init__(visible, write=message)
        self.named: dict[str, str] = {}
        """UIDs of those that were named, and by what."""
        self.described: list[Callable[[JobRecord], bool]] | None = None

    def answer(self, kind: str, data: object, version: int) -> None:
        """Answer a message; of several of a kind, which the client has not read, the last."""
        self._put(f"answer {kind}", message(kind, json.dumps(data).encode(), version))

    def _is_wanted(self, record: JobRecord) -> bool:
        if not super()._is_wanted(record):
            return False
        return record.uid in self.named or (self.described is not None and all(test(record) for test in self.described))


class Conversation:
    """One client's side of it."""

    def __init__(self, gateway: Gateway, caller: Caller) -> None:
        self._gateway, self._caller = gateway, caller
        self.told = Told(JobQuery(owner=caller.owner).tests)

    async def hear(self, text: str) -> None:
        """Do what a message says; what is wrong with it is the answer."""
        try:
            match _MESSAGES.validate_json(text):
                case Subscribe() as wanted if wanted.jobs is not None:
                    await self.name(*wanted.jobs)
                case Subscribe() as wanted:
                    self._describe(wanted)
                case Unsubscribe() as unwanted:
                    self._forget(unwanted.jobs)
                case Refresh():
                    await self.name(*self.told.named.values())
                case Ping():
                    self._answer("pong", {})
        except ValidationError as error:
            found = error.errors(include_url=False, include_context=False, include_input=False)[0]
            path = ".".join(str(part) for part in found["loc"])[:200]
            self._answer("error", {"status": 422, "reason": "Invalid", "detail": f"{path}: {found['msg']}"})
        except (GatewayError, ClientError) as error:
            self._answer("error", json.loads(bytes(of_error(error).body)))

    async def name(self, *jobs: str) -> None:
        """Tell of VideoJobs from now on, beginning with how they are; raises `GatewayError` and `ClientError`."""
        for name in jobs:
            job = await self._gateway.job(name, self._caller)
            record = JobRecord.of(job.manifest)
            if record.uid not in self.told.named and len(self.told.named) >= MOST_JOBS:
                raise TooManyStreamsError(f"at most {MOST_JOBS} VideoJobs are named; describe them in place of that")
            self.told.named[record.uid] = name
            self.told.show(self._gateway.cache.newer(record))

    def _describe(self, wanted: Subscribe) -> None:
        cache = self._gateway.known()
        query = JobQuery(
            user=wanted.user, project=wanted.project, pool=wanted.pool, queue=wanted.queue, labels=wanted.labels
        )
        self.told.described = list(query.tests)
        self.told.catch_up(cache, wanted.since)

    def _forget(self, jobs: list[str] | None) -> None:
        if jobs is None:
            self.told.named.clear()
            self.told.described = None
            return
        for uid, name in list(self.told.named.items()):
            if name in jobs or uid in jobs:
                del self.told.named[uid]

    def _answer(self, kind: str, data: Any) -> None:
        self.told.answer(kind, data, self._gateway.cache.version)


def message(kind: str, data: bytes, version: int) -> bytes:
    """Return what a client is told; `data` is JSON."""
    return b'{"type":"%b","version":%d,"data":%b}' % (kind.encode(), version, data)
