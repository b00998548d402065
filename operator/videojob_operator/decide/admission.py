"""What keeps a job out of its queue, and putting it in when nothing does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from videojob_common.address_guard import check_host
from videojob_common.errors import ForbiddenAddressError
from videojob_common.guarded_http import parse_url
from videojob_contract.assignment import Assignment
from videojob_contract.defaults import fields_of_pool, resolve
from videojob_contract.errors import Reason
from videojob_contract.labels import ANNOTATION_RESTORED
from videojob_contract.problems import Problem, SpecError, format_problems
from videojob_contract.queue.types import Demand, EntryState
from videojob_contract.resources.renderpool import Order
from videojob_contract.resources.status import ConditionType, Phase
from videojob_contract.resources.uris import output_places, redact_uri
from videojob_operator.decide import acceptance, admitting, carried, conditions, specs, waits
from videojob_operator.decide.attempt import current_entry, current_number
from videojob_operator.decide.prediction import estimate_of
from videojob_operator.decide.rates import predict
from videojob_operator.decide.step import generation_of, name_of, uid_of
from videojob_operator.decide.types import Enqueue, Withdraw

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from videojob_contract.resources.outputs import Output
    from videojob_contract.resources.renderpool import RenderPoolSpec
    from videojob_contract.resources.status import VideoJobStatus
    from videojob_contract.resources.videojob import VideoJobSpec
    from videojob_operator.decide.step import Step
    from videojob_operator.decide.types import Observation

CONNECTING_S = 1.0
"""How soon to look again at what waits for a queue that is only just being connected to, in seconds."""

_GIVE_UP_THE_PLACE = {Reason.SUSPENDED, Reason.WAITING_FOR_START}
"""The user wants it later: it will wait behind what is there by then."""
_NEED_A_HAND = {Reason.WAITING_FOR_TEMPLATE, Reason.WAITING_FOR_POOL, Reason.WAITING_FOR_QUEUE, Reason.QUEUE_FULL}
"""Nothing comes of waiting unless someone does something: a warning."""
_SHOWN = 10
"""How many pools are named to who looks for one."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a job does not wait in its queue yet."""

    reason: Reason
    message: str
    until: datetime | None = None


def apply(step: Step) -> Step:
    """Hold the job back, or enqueue its attempt: again when the queue lost it, or the spec has changed.

    Without the queue, a Job is to carry the attempt when it is the job's turn.
    """
    accepted = step.observation.accepted
    spec = accepted.spec
    if step.status.phase in {Phase.PENDING, Phase.QUEUED} and accepted.missing_template:
        return _hold_back(step, _without_template(accepted.missing_template))
    if step.status.phase not in {Phase.PENDING, Phase.QUEUED} or spec is None:
        return step
    hold = next(_holds(step, spec), None)
    if hold is not None:
        return _hold_back(step, hold)
    if step.status.phase is Phase.PENDING and step.observation.queue_connecting:
        return step.leave().look_again_in(CONNECTING_S)  # or earlier, as soon as it is connected
    pool = step.observation.pool
    if pool is None or not (carried.may_begin(step) or (step.observation.queue_known and _is_due(step))):
        # With the queue out of sight, what waits in it is believed to wait there still.
        return step
    known = admitting.again(step, pool)
    return _stay_out(known) if known is not None else _enqueue(step, specs.whole(accepted) or spec, pool)


def _holds(step: Step, spec: VideoJobSpec) -> Iterator[Hold]:
    """Yield what keeps the job out of its queue, the user's own wishes first."""
    observation, now = step.observation, step.observation.now
    if spec.suspend:
        yield Hold(Reason.SUSPENDED, waits.until(Reason.SUSPENDED, "spec.suspend is true"))
    if ANNOTATION_RESTORED in (observation.raw["metadata"].get("annotations") or {}):
        # Its status, which said that it was done, may not have come out of the backup with it.
        yield Hold(Reason.RESTORED, waits.until(Reason.RESTORED, "it was restored from a backup"))
    if spec.start_at is not None and spec.start_at > now:
        yield Hold(Reason.WAITING_FOR_START, f"starts at {_clock(spec.start_at)}", spec.start_at)
    if observation.pool is None:
        yield Hold(Reason.WAITING_FOR_POOL, waits.until(Reason.WAITING_FOR_POOL, _without_pool(observation, spec.pool)))
    elif spec.queue not in (queues := [queue.name for queue in observation.pool.queues]):
        message = f'pool "{spec.pool}" has no queue "{spec.queue}"; it has {", ".join(queues)}'
        yield Hold(Reason.WAITING_FOR_QUEUE, waits.until(Reason.WAITING_FOR_QUEUE, message))
    if (again := step.status.next_attempt_at) is not None and again > now:
        yield Hold(Reason.BACKING_OFF, _backing_off(step, again), again)
    is_there = observation.queue_known or observation.queue_connecting
    if step.status.phase is Phase.PENDING and not is_there and not carried.may_begin(step):
        message = f'the queues of pool "{spec.pool}" cannot be reached'
        yield Hold(Reason.WAITING_FOR_QUEUE, waits.until(Reason.WAITING_FOR_QUEUE, message))
    if observation.queue_full and observation.queue_known and _is_due(step):
        message = f'Redis is full, and the queues of pool "{spec.pool}" take nothing new: see kubectl describe rp'
        yield Hold(Reason.QUEUE_FULL, waits.until(Reason.QUEUE_FULL, message))


def _hold_back(step: Step, hold: Hold) -> Step:
    entry = current_entry(step)
    if entry is not None and entry.state is EntryState.QUEUED:
        step = step.first(Withdraw(uid_of(step.observation), entry.attempt))
    known = conditions.find(step.status.conditions, ConditionType.ADMITTED)
    step = (
        _predicted(step)
        .update(
            phase=Phase.PENDING,
            reason=hold.reason,
            message=hold.message,
            queue_position=None,
            pool=None,
            eta=None,
            queued_at=None if hold.reason in _GIVE_UP_THE_PLACE else step.status.queued_at,
            attempts=current_number(step.status) - 1,
        )
        .condition(ConditionType.ADMITTED, hold.reason, hold.message, holds=False)
    )
    if hold.until is not None:
        step = step.look_again(hold.until)
    # Backing off was told as the failure that it follows.
    if hold.reason is Reason.BACKING_OFF or (known is not None and known.reason is hold.reason):
        return step
    return step.event("Warning" if hold.reason in _NEED_A_HAND else "Normal", hold.reason, hold.message)


def _predicted(step: Step) -> Step:
    """Say what an attempt should take also of what is held back, once its pool is known."""
    pool = step.observation.pool
    if step.status.predicted is not None or pool is None:
        return step
    spec = specs.whole(step.observation.accepted)
    if spec is None:
        return step
    try:
        resolved = _resolved(step, spec, pool)
    except SpecError:
        return step  # which is told when it is to be queued
    return step.update(predicted=predict(estimate_of(resolved), step.observation.learnt))


def _resolved(step: Step, spec: VideoJobSpec, pool: RenderPoolSpec) -> VideoJobSpec:
    namespace = step.observation.raw["metadata"]["namespace"]
    return resolve(spec, pool, namespace=namespace, name=name_of(step.observation))


def _without_template(name: str) -> Hold:
    message = waits.until(Reason.WAITING_FOR_TEMPLATE, f'the namespace has no VideoTemplate "{name}"')
    return Hold(Reason.WAITING_FOR_TEMPLATE, message)


def _without_pool(observation: Observation, name: str) -> str:
    if observation.pool_refusal is not None:
        return f'the spec of RenderPool "{name}" was refused: {observation.pool_refusal.message}'
    others = observation.other_pools
    there_are = f"it has {', '.join(others[:_SHOWN])}{', …' if others[_SHOWN:] else ''}" if others else "it has none"
    return f'the namespace has no RenderPool "{name}"; {there_are}'


def _backing_off(step: Step, again: datetime) -> str:
    known = conditions.find(step.status.conditions, ConditionType.ADMITTED)
    if known is not None and known.reason is Reason.BACKING_OFF:
        return known.message
    return f"the next attempt follows at {_clock(again)}"


def _is_due(step: Step) -> bool:
    """Whether the queue lacks the attempt, or has it as an earlier spec, or the pool of earlier, wanted it."""
    entry = current_entry(step)
    return (
        entry is None
        or step.status.phase is Phase.PENDING
        or (entry.state is EntryState.QUEUED and entry.terms != step.observation.terms)
        or step.status.observed_generation != generation_of(step.observation)
    )


def _is_lost(step: Step) -> bool:
    """Whether the queue has lost what waited in it: it waits on as what it was, so that shares come out the same."""
    return step.status.phase is Phase.QUEUED and current_entry(step) is None


def _enqueue(step: Step, spec: VideoJobSpec, pool: RenderPoolSpec) -> Step:
    observation = step.observation
    is_carried = carried.may_begin(step)
    number = carried.number_to_carry(step.status) if is_carried else current_number(step.status)
    namespace = observation.raw["metadata"]["namespace"]
    try:
        resolved = _resolved(step, spec, pool)
    except SpecError as error:
        return acceptance.refuse(step, error.reason, error.message)
    problems = [*_forbidden_webhooks(spec, pool)]
    if problems:
        return acceptance.refuse(step, Reason.INVALID_SPEC, format_problems(problems))
    problems = [*_held_outputs(step, resolved.outputs or ())]
    if problems:
        return acceptance.refuse(step, Reason.OUTPUT_FORBIDDEN, format_problems(problems))
    admitted = admitting.admit(step, resolved, pool)
    step = admitted.step
    if not admitted.is_in:
        return _stay_out(admitted)
    assert resolved.deadline is not None and resolved.soft_deadline is not None  # noqa: S101, PT018 - resolve fills them in
    assignment = Assignment(
        uid=uid_of(observation),
        namespace=namespace,
        name=name_of(observation),
        attempt=number,
        spec=resolved.model_copy(update={"notify": None}),  # whose URLs can be secrets, and no worker's business
        deadline=resolved.deadline,
        soft_deadline=resolved.soft_deadline,
        **fields_of_pool(pool),
        terms=observation.terms,
    )
    since, estimate = _since(step), estimate_of(resolved)
    known = step.status.predicted if _is_lost(step) else None
    predicted = known or predict(estimate, observation.learnt)
    if is_carried:
        return carried.give_to_job(step.update(predicted=predicted).remember(estimate=estimate), assignment)
    demand = Demand(
        user=spec.user or "",
        project=spec.project or "",
        priority=spec.priority,
        fifo=pool.order is Order.FIFO,
        predicted_s=predicted.seconds,
    )
    step = (
        _moved(step, spec)
        .update(queued_at=since, predicted=predicted)
        .remember(estimate=estimate)
        .first(Enqueue(spec.queue, assignment, since, demand, again=_is_once_more(step)))
    )
    return queued(step, f'attempt {number} waits in queue "{spec.queue}"', observation.now)


def _is_once_more(step: Step) -> bool:
    """Whether the queue may have been told that it was over: before a rerun, or since the backup that has it."""
    return step.status.rerun > 0 or is_restored(step.status)


def is_restored(status: VideoJobStatus) -> bool:
    """Whether a job came out of a backup, and was not enqueued since."""
    known = conditions.find(status.conditions, ConditionType.ADMITTED)
    return known is not None and known.reason is Reason.RESTORED


def _stay_out(found: admitting.Admitting) -> Step:
    if not found.message:
        return found.step
    return _hold_back(found.step, Hold(Reason.LIMIT_REACHED, waits.until(Reason.LIMIT_REACHED, found.message)))


def _moved(step: Step, spec: VideoJobSpec) -> Step:
    """Tell of a job that waited elsewhere, for another user or with another priority."""
    entry = current_entry(step)
    if step.status.phase is not Phase.QUEUED or entry is None or entry.state is not EntryState.QUEUED:
        return step
    changes = {
        f'in queue "{spec.queue}"': entry.queue != spec.queue,
        f'for user "{spec.user}"' if spec.user else "for no user": entry.user != (spec.user or ""),
        f"with priority {spec.priority}": entry.priority != spec.priority,
    }
    if not any(changes.values()):
        return step
    message = f"attempt {entry.attempt} waits {', '.join(words for words, holds in changes.items() if holds)} now"
    return (
        step.update(message=message)
        .condition(ConditionType.ADMITTED, Reason.QUEUED, message, holds=True)
        .event("Normal", Reason.QUEUED, message)
    )


def _since(step: Step) -> datetime:
    """Return since when the job waits: its place, which a move leaves as it is."""
    entry = current_entry(step)
    return step.status.queued_at or (entry and entry.queued_at) or step.observation.now


def _held_outputs(step: Step, outputs: Sequence[Output]) -> Iterator[Problem]:
    for index, output in enumerate(outputs):
        for place in output_places(output):
            if (other := step.observation.held_outputs.get(place)) is not None:
                message = f'goes where VideoJob "{other}" writes, too: wait for that, or set overwrite: true'
                yield Problem(f"spec.outputs[{index}].uri", f"{redact_uri(place)} {message}")


def _forbidden_webhooks(spec: VideoJobSpec, pool: RenderPoolSpec) -> Iterator[Problem]:
    for index, receiver in enumerate(spec.notify or ()):
        try:
            check_host(parse_url(receiver.url).host, pool.webhooks.allow_hosts)
        except ForbiddenAddressError as error:
            yield Problem(f"spec.notify[{index}].url", str(error))


def queued(step: Step, message: str, at: datetime) -> Step:
    """Say that the current attempt is in its queue, if that was not said."""
    if step.status.phase is Phase.QUEUED:
        return step
    has_moved = step.status.reason is Reason.MOVED  # which was told
    step = step.update(
        phase=Phase.QUEUED,
        reason=None,
        message=message,
        pool=step.observation.pool_name,
        attempts=current_number(step.status),
        queued_at=step.status.queued_at or at,
        next_attempt_at=None,
    ).condition(ConditionType.ADMITTED, Reason.QUEUED, message, holds=True, at=at)
    step = step.remember(told=frozenset())
    return step if has_moved else step.event("Normal", Reason.QUEUED, message)


def _clock(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
