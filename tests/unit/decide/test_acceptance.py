import pytest

from tests.unit.decide.build import SPEC, decide, entry, events, observe, pool_spec, queued, running, status_of
from videojob_contract.errors import Reason
from videojob_contract.queue.types import EntryState
from videojob_contract.resources.status import ConditionStatus, Phase
from videojob_operator.decide.types import Enqueue, Forget
from videojob_operator.decide.videojob import decide_videojob


def test_a_good_spec_is_accepted_and_enqueued_in_one_write():
    decision = decide()

    status = status_of(decision)
    assert [(c.type, c.status, c.reason) for c in status.conditions] == [
        ("Accepted", "True", "Accepted"),
        ("Admitted", "True", "Queued"),
    ]
    [enqueue] = decision.before
    assert isinstance(enqueue, Enqueue)
    assert enqueue.assignment.attempt == 1


def test_every_problem_of_a_spec_is_named():
    decision = decide({"clips": [{"color": "red", "duration": "1s"}, {"color": "#000000", "duration": "x"}]})

    status = status_of(decision)
    assert status.phase is Phase.FAILED
    assert status.failure is not None
    assert status.failure.reason is Reason.INVALID_SPEC
    assert not status.failure.retryable
    assert "spec.clips[0].color" in status.message
    assert "spec.clips[1].duration" in status.message
    accepted, finished, failed = status.conditions
    assert (failed.type, failed.status, failed.reason) == ("Failed", "True", "InvalidSpec")
    assert (accepted.type, accepted.status, accepted.reason) == ("Accepted", "False", "InvalidSpec")
    assert (finished.type, finished.status, finished.reason) == ("Finished", "True", "InvalidSpec")
    assert events(decision) == [("Warning", "InvalidSpec")]
    assert decision.before == ()


def test_what_cannot_be_rendered_yet_is_refused_and_not_ignored():
    status = status_of(decide({"parallelism": 2}))

    assert status.phase is Phase.FAILED
    assert status.failure is not None
    assert status.failure.reason is Reason.NOT_SUPPORTED
    assert "spec.parallelism" in status.failure.message


def test_the_assignment_has_parameters_put_in_place_and_the_resource_keeps_its_templates():
    clip = {"title": {"text": "{{ guest }} at {{ job.namespace }}/{{ job.name }}"}, "duration": "{{ length }}"}
    spec = {"clips": [clip], "parameters": {"guest": "Ana", "length": "3s"}}

    observation = observe(spec)
    [enqueue] = decide_videojob(observation).before

    assert isinstance(enqueue, Enqueue)
    [assigned] = enqueue.assignment.spec.clips
    assert assigned.title is not None
    assert (assigned.title.text, assigned.duration) == ("Ana at team/holiday", 3)
    assert enqueue.assignment.spec.parameters is None
    assert observation.raw["spec"]["clips"] == [clip]


def test_a_missing_parameter_is_refused_with_its_field():
    status = status_of(decide({"clips": [{"color": "{{ tint }}", "duration": "1s"}]}))

    assert status.failure is not None
    assert status.failure.reason is Reason.INVALID_SPEC
    assert 'spec.clips[0].color: needs the parameter "tint"' in status.failure.message


def test_what_shows_only_with_the_pool_is_refused_too():
    spec = {"clips": [{"image": {"uri": "volume://photos/a.jpg"}, "duration": "1s"}]}

    status = status_of(decide(spec))

    assert status.phase is Phase.FAILED
    assert 'no volume "photos"' in status.message
    assert status.conditions[0].status is ConditionStatus.FALSE


def test_an_output_where_another_goes_by_default_is_refused():
    uri = "volume://media/out/team/holiday/main.mp4"
    outputs = [{"name": "main", "format": "mp4"}, {"name": "copy", "format": "mp4", "uri": uri}]

    status = status_of(decide({"clips": [{"color": "#000000", "duration": "1s"}], "outputs": outputs}))

    assert (status.phase, status.conditions[0].reason) == (Phase.FAILED, Reason.INVALID_SPEC)
    assert status.message == f"spec.outputs[1].uri: spec.outputs[0].uri goes to {uri} too"


def test_a_queued_job_whose_spec_is_no_longer_good_leaves_its_queue():
    decision = decide({"parallelism": 4}, queued(), metadata={"generation": 2}, entry=entry(EntryState.QUEUED))

    assert status_of(decision).phase is Phase.FAILED
    assert any(isinstance(action, Forget) for action in decision.after)


def test_a_running_attempt_is_left_to_end_though_its_spec_is_no_longer_good():
    decision = decide({"parallelism": 4}, running(), metadata={"generation": 2}, entry=entry(EntryState.CLAIMED))

    status = status_of(decision)
    assert status.phase is Phase.RUNNING
    assert status.observed_generation == 2


def test_a_status_that_cannot_be_read_is_begun_anew_where_the_queue_is():
    decision = decide(status={"phase": "Pending", "nonsense": 1}, entry=entry(EntryState.CLAIMED, attempt=3))

    status = status_of(decision)
    assert (status.phase, status.attempts, status.interruptions) == (Phase.RUNNING, 3, 2)


@pytest.mark.parametrize("queue_known", [True, False])
def test_a_new_generation_is_observed_once_the_queue_has_it(queue_known):
    observation = observe(
        SPEC | {"deadline": "5m"},
        queued(),
        metadata={"generation": 2},
        entry=entry(EntryState.QUEUED),
        queue_known=queue_known,
    )

    decision = decide_videojob(observation)

    if queue_known:
        [enqueue] = decision.before
        assert isinstance(enqueue, Enqueue)
        assert enqueue.assignment.deadline == 300
        assert status_of(decision).observed_generation == 2
    else:
        assert decision.before == ()
        assert status_of(decision).observed_generation == 1


def test_pool_limits_of_sources_go_with_the_assignment():
    storage = {"outputPrefix": "volume://media/out", "allowHosts": ["*.example.org"], "maxSourceBytes": 9}

    [enqueue] = decide(pool=pool_spec(storage=storage)).before

    assert isinstance(enqueue, Enqueue)
    assert enqueue.assignment.sources.allow_hosts == ["*.example.org"]
    assert enqueue.assignment.sources.max_source_bytes == 9


def test_the_pools_encoders_go_with_the_assignment():
    [enqueue] = decide(pool=pool_spec(encoding={"hardware": "nvenc", "fallback": True})).before

    assert isinstance(enqueue, Enqueue)
    assert enqueue.assignment.encoding.to_dict() == {"hardware": "nvenc", "fallback": True}


STORES = [
    {"name": "media", "provider": "s3", "bucket": "media", "readOnly": True, "secretRef": {"name": "minio"}},
    {"name": "renders", "provider": "s3", "bucket": "media", "prefix": "out", "urls": {"publicBase": "https://cdn"}},
]


def test_the_pools_object_stores_go_with_the_assignment():
    storage = {"outputPrefix": "s3://media/out", "objects": STORES}

    [enqueue] = decide(pool=pool_spec(storage=storage)).before

    assert isinstance(enqueue, Enqueue)
    assert [store.to_dict() for store in enqueue.assignment.objects] == [
        {"workloadIdentity": False, "readOnly": False, **store} for store in STORES
    ]
    assert enqueue.assignment.spec.outputs is not None
    assert [output.uri for output in enqueue.assignment.spec.outputs] == [
        f"s3://media/out/team/holiday/{file}" for file in ("main.mp4", "poster.jpg")
    ]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            {"clips": [{"image": {"uri": "s3://photos/a.jpg"}, "duration": "1s"}]},
            ('spec.clips[0].image.uri: s3://photos/a.jpg: pool "default" reaches no such object store; storage.objects '
             "has s3://media/ (media), s3://media/out/ (renders)"),
        ),
        (
            {"outputs": [{"name": "main", "format": "mp4", "uri": "s3://media/a.mp4"}]},
            'spec.outputs[0].uri: s3://media/a.mp4: object store "media" of pool "default" is read-only',
        ),
        (
            {"subtitles": {"uri": "s3://media/out/main.mp4"},
             "outputs": [{"name": "main", "format": "mp4", "uri": "s3://media/out/m%61in.mp4"}]},
            "spec.outputs[0].uri: s3://media/out/m%61in.mp4 is spec.subtitles.uri, and a source is never overwritten",
        ),
    ],
)  # fmt: skip
def test_what_the_pools_object_stores_do_not_allow_is_refused(spec, message):
    decision = decide(spec, pool=pool_spec(storage={"outputPrefix": "s3://media/out", "objects": STORES}))

    status = status_of(decision)
    assert status.phase is Phase.FAILED
    assert status.failure is not None
    assert status.failure.message == message
    assert decision.before == ()
