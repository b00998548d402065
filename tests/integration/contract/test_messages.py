"""What the API server says of a wrong value names the field, the value and what is wanted."""

from typing import Any

import pytest

from tests.integration.apiserver import ApiServer
from tests.unit.contract.examples import CLIP, videojob
from videojob_contract.resources import API_VERSION

IMAGE = {"image": {"uri": "volume://media/a.jpg"}, "duration": "1s"}
VIDEO = {"video": {"uri": "volume://media/a.mp4"}}
TRACK = {"uri": "volume://media/a.mp3"}
MP4 = {"name": "main", "format": "mp4"}
STORE = {"name": "a", "provider": "s3", "bucket": "media"}
DURATION = "is not a duration: write a number with a unit, such as 3s, 500ms or 1m30s"
URI = "is not a URI: write volume://NAME/path, s3://BUCKET/key, https://… or http://…"


def renderpool(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": API_VERSION, "kind": "RenderPool", "metadata": {"name": "pool"}, "spec": spec}


MATRIX: list[tuple[str, dict[str, Any], list[str]]] = [
    *(
        ("spec.clips[0].duration", videojob({"color": "#000000", "duration": value}),
         [f'"{value}" {DURATION}, or auto'])
        for value in ("3", "3 s", "3sec", "-3s", "00:03", "", "auto5", "1,5s")
    ),
    *(
        (field, videojob(**{field.removeprefix("spec."): value}), [f'"{value}" {DURATION}'])
        for field in ("spec.deadline", "spec.softDeadline", "spec.ttlAfterFinished")
        for value in ("30", "never")
    ),
    ("spec.clips[1].transition.duration", videojob(CLIP, {**CLIP, "transition": {"type": "fade", "duration": "1"}}),
     [f'"1" {DURATION}']),
    ("spec.clips[0].video.from", videojob({"video": {**VIDEO["video"], "from": "0:10"}}), [f'"0:10" {DURATION}']),
    ("spec.overlays[0].fadeIn", videojob(overlays=[{"image": IMAGE["image"], "fadeIn": "1"}]), [f'"1" {DURATION}']),
    ("spec.retry.backoff.initial", videojob(retry={"backoff": {"initial": "5"}}), [f'"5" {DURATION}']),
    *(
        ("spec.clips[0].image.uri", videojob({**IMAGE, "image": {"uri": value}}), [f'"{value}" {URI}'])
        for value in ("a.jpg", "/photos/a.jpg", "media/a.jpg", "file:///a.jpg", "ftp://host/a.jpg", "volume:/a",
                      "https:/host/a.jpg", "volume://my photos/a.jpg", "")
    ),
    ("spec.clips[0].image.uri", videojob({**IMAGE, "image": {"uri": "ftp://user:secret@host/a?key=secret"}}),
     [f"it {URI}"]),
    ("spec.audio.tracks[0].uri", videojob(audio={"tracks": [{"uri": "a.mp3"}]}), [f'"a.mp3" {URI}']),
    ("spec.outputs[0].uri", videojob(outputs=[{**MP4, "uri": "out.mp4"}]), [f'"out.mp4" {URI}']),
    *(
        ("spec.audio.tracks[0].volume", videojob(audio={"tracks": [{**TRACK, "volume": value}]}),
         [f'"{value}"', "a number from 0 to 10, or a template"])
        for value in ("80%", "0.8", "-3dB", "loud")
    ),
    *(
        ("spec.overlays[0].opacity", videojob(overlays=[{"image": IMAGE["image"], "opacity": value}]),
         [f'"{value}"', "a number from 0 to 1, or a template"])
        for value in ("50%", "half")
    ),
    ("spec.clips[0].video.speed", videojob({"video": {**VIDEO["video"], "speed": "2x"}}),
     ['"2x"', "a number from 0.1 to 10, or a template"]),
    ("spec.audio.tracks[0].loop", videojob(audio={"tracks": [{**TRACK, "loop": "yes"}]}),
     ['"yes"', "true, false, or a template"]),
    ("spec.audio.tracks[0].volume", videojob(audio={"tracks": [{**TRACK, "volume": 11}]}),
     ["11", "less than or equal to 10"]),
    ("spec.canvas.width", videojob(canvas={"width": "640px"}),
     ['"640px" is not an integer from 16 to 8192, or a template']),
    ("spec.canvas.width", videojob(canvas={"width": 640.5}), ["integer"]),
    ("spec.canvas.fps", videojob(canvas={"fps": "29,97"}),
     ['"29,97" is not a frame rate: write "30", "30000/1001" or "29.97"']),
    ("spec.canvas.background", videojob(canvas={"background": "blue"}), ['"blue" is not a colour: write "#rrggbb"']),
    ("spec.clips[0].fit", videojob({**IMAGE, "fit": "fill"}), ['"fill" is none of cover, contain, blur, stretch']),
    ("spec.clips[0].anchor", videojob({**IMAGE, "anchor": "top-left"}), ['"top-left" is none of center, top,']),
    ("spec.outputs[0].format", videojob(outputs=[{**MP4, "format": "avi"}]), ['"avi" is none of mp4, webm,']),
    ("spec.outputs[0].bitrate", videojob(outputs=[{**MP4, "bitrate": "4Mbps"}]),
     ['"4Mbps" is not a bitrate: write 4M or 800k']),
    ("spec.outputs[0].preset", videojob(outputs=[{**MP4, "preset": "very slow"}]), ['"very slow" is not a preset']),
    ("spec.clips[1].transition.type", videojob(CLIP, {**CLIP, "transition": {"type": "wipe-left"}}),
     ['"wipe-left" is not a name: use letters and digits']),
    ("spec.pool", videojob(pool="My Pool"), ['"My Pool" is not a name: use lower case letters']),
    ("spec.user", videojob(user="ana maria"), ['"ana maria" cannot be a label: use letters']),
    ("spec.parallelism", videojob(parallelism="all"), ['"all" is not an integer from 1 to 256 or auto']),
    ("spec.clips[0].duration", videojob({"color": "#000000", "duration": 3}), ["of type string", "integer"]),
    ("spec.suspend", videojob(suspend="yes"), ["of type boolean", "string"]),
    ("spec.minIdle", renderpool(minIdle=3, maxWorkers=2), ["must not be more than maxWorkers, unless that is 0"]),
    ("spec.idleTimeout", renderpool(idleTimeout="60"), [f'"60" {DURATION}']),
    ("spec.worker.scratchSize", renderpool(worker={"scratchSize": "8GB"}),
     ['"8GB" is not a size: write a whole number of Mi, Gi or Ti, such as 8Gi']),
    ("spec.storage.outputPrefix", renderpool(storage={"outputPrefix": "out"}), [f'"out" {URI}']),
    ("spec.storage.outputPrefix", renderpool(storage={"outputPrefix": "volume://medai/out"}),
     ["volume://medai/out must begin with one of the pool's volumes that is not read-only"]),
    ("spec.storage.outputPrefix",
     renderpool(storage={"outputPrefix": "volume://med/out"}, volumes=[
         {"name": "media", "source": {"emptyDir": {}}}, {"name": "more", "source": {"emptyDir": {}}},
         {"name": "med", "readOnly": True, "source": {"emptyDir": {}}}]),
     ["volume://med/out must begin with"]),
    *(("spec.storage.outputPrefix",
       renderpool(storage={"outputPrefix": prefix, "objects": [{**STORE, "readOnly": True}, {**STORE, "name": "b",
                                                                                             "bucket": "out"}]}),
       [f"{prefix} must be in one of storage.objects that is not readOnly"])
      for prefix in ("s3://media/out", "s3://output", "gs://out/a", "az://out")),
    *((f"spec.storage.objects[0]{field}", renderpool(storage={"objects": [{**STORE, **wrong}]}), [words])
      for field, wrong, words in (
        (".bucket", {"bucket": "media/out"}, '"media/out" is not a bucket: write its name alone'),
        (".prefix", {"prefix": "/out"}, '"/out" is not a prefix: write it as renders or team/renders'),
        (".endpoint", {"endpoint": "minio:9000"}, '"minio:9000" is not the URL of a server'),
        (".account", {"account": "films"}, "is for az"),
        (".account", {"provider": "az"}, "az needs a storage account"),
        (".account", {"provider": "az", "account": "my-films"}, '"my-films" is not a storage account'),
        (".region", {"provider": "gs", "region": "eu-1"}, "is for s3"),
        (".encryption", {"provider": "gs", "encryption": {"algorithm": "AES256"}}, "is for s3"),
        (".encryption.kmsKeyId", {"encryption": {"algorithm": "AES256", "kmsKeyId": "a"}}, "the algorithm aws:kms"),
        (".workloadIdentity", {"secretRef": {"name": "s"}, "workloadIdentity": True},
         "give either secretRef or workloadIdentity"),
        (".urls", {"urls": {}}, "needs one of presignedFor and publicBase"),
        (".urls", {"urls": {"presignedFor": "1h"}}, "needs credentials to sign with"),
        (".urls.renewedWith", {"urls": {"publicBase": "https://a", "renewedWith": {"name": "s"}}},
         "is for presignedFor"),
      )),
    ("spec.outputs[0].object.contentType", videojob(outputs=[{**MP4, "object": {"contentType": "mp4"}}]),
     ['"mp4" is not a media type: write it as video/mp4']),
]  # fmt: skip


@pytest.mark.parametrize(("field", "resource", "words"), MATRIX)
def test_field_value_and_what_is_wanted_are_named(
    apiserver: ApiServer, namespace: str, field: str, resource: dict[str, Any], words: list[str]
) -> None:
    refusal = apiserver.refusal(resource, namespace, verb="create")
    assert f"{field}: " in refusal or f"{field} in body" in refusal
    for each in words:
        assert each in refusal
    assert "secret" not in refusal.replace("secretRef", "").partition(URI)[0].rpartition("it ")[2]
    assert "[0-9]" not in refusal
    assert "evaluating rule" not in refusal


def test_a_long_value_is_cut(apiserver: ApiServer, namespace: str) -> None:
    resource = videojob({**IMAGE, "image": {"uri": "a" * 2000}})
    refusal = apiserver.refusal(resource, namespace, verb="create")
    assert f'"{"a" * 60}…" {URI}' in refusal


def test_several_wrong_values_are_told_together(apiserver: ApiServer, namespace: str) -> None:
    resource = videojob({"image": {"uri": "a.jpg"}, "duration": "3", "fit": "fill"}, deadline="1", pool="A")
    refusal = apiserver.refusal(resource, namespace, verb="create")
    for field in ("clips[0].image.uri", "clips[0].duration", "clips[0].fit", "deadline", "pool"):
        assert f"spec.{field}: " in refusal


def test_a_pool_that_is_paused_keeps_its_min_idle(apiserver: ApiServer, namespace: str) -> None:
    apiserver.apply(renderpool(minIdle=3, maxWorkers=0), namespace)


def test_an_output_prefix_may_be_a_whole_volume(apiserver: ApiServer, namespace: str) -> None:
    volumes = [{"name": "media", "source": {"emptyDir": {}}}]
    objects = [{"name": "out", "provider": "s3", "bucket": "bucket", "prefix": "my films"}]
    for prefix in ("volume://media", "volume://media/", "volume://media/out", "s3://bucket/my%20films"):
        apiserver.apply(renderpool(storage={"outputPrefix": prefix, "objects": objects}, volumes=volumes), namespace)
