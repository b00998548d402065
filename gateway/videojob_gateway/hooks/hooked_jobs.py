"""The VideoJob that a delivery asks for: named for the delivery, so that of one that comes again there is one. Pure.

Told again as a request with an `Idempotency-Key` is: by digests of whose it is and of what it says, in an annotation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from videojob_contract.labels import ANNOTATION_SUBMISSION, LABEL_HOOK
from videojob_gateway.hooks.payloads import parameters_of
from videojob_gateway.submission import Submission, short_digest

if TYPE_CHECKING:
    from videojob_contract.resources.videohook import HookedJob
    from videojob_gateway.hooks.signatures import Delivery


def submission_of(hook: str, job: HookedJob, delivery: Delivery, payload: Any) -> Submission:
    """Return what a delivery to the hook of that name asks for.

    Raises:
        InvalidRequestError: a parameter has no value.
    """
    spec = job.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"labels", "parameters"})
    spec["parameters"] = parameters_of(job.parameters, payload)
    identity = short_digest("hook", hook, delivery.id)
    annotations = {ANNOTATION_SUBMISSION: f"{identity}.{short_digest(delivery.body)}"}
    return Submission(f"{hook}-{identity}", {**job.labels, LABEL_HOOK: hook}, annotations, spec)
