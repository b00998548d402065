"""Callers by tokens of Kubernetes: who they are and what they may do is what the API server says of them.

A role follows from what somebody may do to all VideoJobs of the namespace: who may delete them is an admin, who may
create them a submitter, who may list them a viewer. So the gateway gives nobody more than kubectl does.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from videojob_client.errors import InvalidError
from videojob_contract.api_paths import VIDEOJOBS
from videojob_gateway.auth.caller import Caller, Role, user_of
from videojob_gateway.auth.remembered import Remembered
from videojob_gateway.errors import GatewayError, NotAllowedError, UnauthenticatedError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from videojob_client.access_reviews import AccessReviews

VERBS: Final = {Role.ADMIN: "delete", Role.SUBMITTER: "create", Role.VIEWER: "list"}
"""What somebody of a role may do to all VideoJobs of the namespace; the first that holds counts."""
KNOWN_S: Final = 60.0
"""How long what the API server said counts: a right that is taken away is gone after that."""
UNKNOWN_S: Final = 10.0


class KubernetesTokens:
    """Asks the API server, once a minute for each token."""

    def __init__(
        self,
        reviews: AccessReviews,
        audiences: Sequence[str] = (),
        tier_of: Callable[[Collection[str]], str | None] = lambda _: None,
    ) -> None:
        """`tier_of` returns the tier of who is in groups."""
        self._reviews = reviews
        self._audiences = audiences
        self._tier_of = tier_of
        self._remembered = Remembered[Caller | UnauthenticatedError | NotAllowedError]()

    async def caller_of(self, token: str) -> Caller:
        """Return whose a token is.

        Raises:
            UnauthenticatedError: it is nobody's, or for others than the gateway.
            NotAllowedError: it is of someone who may do nothing with VideoJobs here.
            ClientError: the API server does not say.
        """
        found = self._remembered.get(token)
        value = found.value if found is not None else await self._ask(token)
        if isinstance(value, GatewayError):
            raise type(value)(str(value))  # a new one: an error that is raised again keeps every trace of it
        return value

    def remembers(self, token: str) -> bool:
        """Tell whether whose a token is, if anyone's, can be said without asking."""
        return self._remembered.get(token) is not None

    async def _ask(self, token: str) -> Caller | UnauthenticatedError | NotAllowedError:
        value = await self._found_out(token)
        self._remembered.put(token, value, KNOWN_S if isinstance(value, Caller) else UNKNOWN_S)
        return value

    async def _found_out(self, token: str) -> Caller | UnauthenticatedError | NotAllowedError:
        try:
            owner = await self._reviews.owner_of(token, self._audiences)
        except InvalidError:  # nothing that a token could be
            owner = None
        if owner is None:
            return UnauthenticatedError("Kubernetes does not know this token")
        allowed = await asyncio.gather(*(self._reviews.allows(owner, verb, VIDEOJOBS) for verb in VERBS.values()))
        role = next((role for role, may in zip(VERBS, allowed, strict=True) if may), None)
        if role is None:
            return NotAllowedError("you may neither list nor create VideoJobs in this namespace")
        return Caller(user_of(owner.name), role, self._tier_of(owner.user.get("groups") or ()))
