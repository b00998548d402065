"""The API server and the models agree on what is a VideoJob or a RenderPool, but for what no server can know."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.apiserver import ApiServer
from tests.unit.contract.examples import CLIP, problems, videojob
from videojob_contract.problems import SpecError
from videojob_contract.resources import API_VERSION
from videojob_contract.validation import parse_renderpool, parse_videojob

SAMPLES = Path(__file__).parents[3] / "manifests" / "samples"
IMAGE = {"image": {"uri": "volume://media/a.jpg"}, "duration": "1s"}
VIDEO = {"video": {"uri": "volume://media/a.mp4"}}
TRACK = {"uri": "volume://media/a.mp3"}
STORE = {"name": "media", "provider": "s3", "bucket": "media"}
MP4 = {"name": "main", "format": "mp4"}

ACCEPTED = {
    "minimal": videojob(),
    "nulls are as good as nothing": videojob(
        {**CLIP, "image": None, "motion": None, "effects": None, "transition": None},
        startAt=None, canvas=None, audio=None, parameters=None, outputs=None, deadline=None, retry=None,
    ),
    "a video without a duration": videojob(VIDEO),
    "a video of automatic duration": videojob({**VIDEO, "duration": "auto"}),
    "a narration without a duration": videojob(
        {"title": {"text": "Hi"}, "narration": {"uri": TRACK["uri"], "before": "1s"}, "duration": "auto"},
        {"color": "#000000", "narration": {"uri": TRACK["uri"], "after": "0s", "volume": 2}},
    ),
    "a track of sound by language and by number": videojob(
        {"video": {**VIDEO["video"], "track": "deu"}}, audio={"tracks": [{**TRACK, "track": 2}]}
    ),
    "every kind of clip": videojob(
        CLIP,
        IMAGE,
        VIDEO,
        {"gradient": {"colors": ["#000000", "#ffffff"], "angle": 45.5}, "duration": "1s"},
        {"title": {"text": "Hi", "shadow": {}}, "duration": "1s"},
    ),
    "motion": videojob({**IMAGE, "motion": {"zoom": {"from": 1, "to": 1.5}, "pan": {
        "from": {"left": 0, "top": 0, "width": 1, "height": 1},
        "to": {"left": 0.5, "top": 0.25, "width": 0.5, "height": 0.5},
    }}}),
    "effects": videojob({**IMAGE, "effects": [{"name": "Rotate", "args": {"angle": 0.5, "center": [1, 2]}}]}),
    "compound duration": videojob({"color": "#000000", "duration": "1h2m3.5s4ms"}),
    "an output in an object store": videojob(outputs=[{**MP4, "uri": "s3://media/a.mp4", "object": {
        "contentType": "video/mp4", "cacheControl": "public, max-age=60", "metadata": {"title": "{{ title }}"},
        "tags": {"keep": "a year"}}}], parameters={"title": "Holiday"}),
    "broadcast rate": videojob(canvas={"fps": "29.97"}),
    "rational rate": videojob(canvas={"fps": "30000/1001"}),
    "time with an offset": videojob(startAt="2026-01-01T00:00:00.5+02:00"),
    "whole numbers for shares": videojob(audio={"tracks": [{**TRACK, "volume": 1}], "loudness": -14}),
    "automatic parallelism": videojob(parallelism="auto"),
    "parameters": videojob(parameters={"a": 1, "b": 1.5, "c": "x", "d": True}),
    "templates in place of every kind of scalar": videojob(
        {"image": {"uri": "{{ uri }}"}, "duration": "{{ length }}", "fit": "{{ fit }}", "anchor": "top{{ side }}",
         "motion": {"zoom": {"to": "{{ zoom }}"}}},
        {"video": {"uri": "volume://media/{{ job.name }}.mp4", "from": "{{ length }}", "loop": "{{ yes }}",
                   "speed": "{{ zoom }}"}, "duration": "4s"},
        {"gradient": {"colors": ["{{ color }}", "#ffffff"], "angle": "{{ none | default(45.5) }}"}, "duration": "1s",
         "transition": {"type": "{{ way }}", "duration": "{{ milliseconds }}ms", "easing": "{{ easing }}"}},
        canvas={"width": "{{ width }}", "height": "{{ none | default(360) }}", "fps": "{{ rate }}",
                "background": "{{ color }}"},
        overlays=[{"title": {"text": "{{ fit }}", "size": "{{ width }}"}, "opacity": "{{ share }}",
                   "margin": "{{ margin }}"}],
        audio={"tracks": [{**TRACK, "volume": "{{ share }}", "loop": "{{ yes }}"}], "loudness": "{{ loudness }}"},
        outputs=[{**MP4, "format": "{{ format }}", "crf": "{{ margin }}", "metadata": {"title": "{{ width }}"}}],
        parameters={"uri": "volume://media/a.jpg", "length": "2s", "fit": "blur", "side": "Left", "zoom": 1.5,
                    "yes": True, "color": "#102030", "way": "crossfade", "milliseconds": 250, "easing": "easeIn",
                    "width": 640, "rate": "25", "share": 1, "margin": 20, "loudness": -14, "format": "mp4"},
    ),
    "colour of a fade by a template": videojob(
        CLIP, {**CLIP, "transition": {"type": "{{ way }}", "color": "#ffffff"}}, parameters={"way": "fade"}
    ),
    "every scheme": videojob(*({**IMAGE, "image": {"uri": f"{scheme}://a/b.jpg"}}
                               for scheme in ("volume", "s3", "gs", "az", "https", "http"))),
}  # fmt: skip

REFUSED = {
    "no clips": videojob(clips=[]),
    "clips that are no list": videojob(clips=CLIP),
    "two kinds": videojob({**CLIP, **IMAGE}),
    "no kind": videojob({"duration": "1s"}),
    "no duration": videojob({"color": "#000000"}),
    "a track of sound before the first": videojob(audio={"tracks": [{**TRACK, "track": 0}]}),
    "a track of sound by the name of its language": videojob(audio={"tracks": [{**TRACK, "track": "german"}]}),
    "a narration without a sound": videojob({"color": "#000000", "narration": {"volume": 1}}),
    "no length": videojob({"color": "#000000", "duration": "0s"}),
    "number for a duration": videojob({"color": "#000000", "duration": 3}),
    "duration without a unit": videojob({"color": "#000000", "duration": "3"}),
    "negative duration": videojob({"color": "#000000", "duration": "-3s"}),
    "text for a number": videojob(canvas={"width": "640"}),
    "odd width": videojob(canvas={"width": 641}),
    "tiny width": videojob(canvas={"width": 14}),
    "number for a rate": videojob(canvas={"fps": 30}),
    "rate with a comma": videojob(canvas={"fps": "29,97"}),
    "text for a boolean": videojob(suspend="true"),
    "number for a boolean": videojob(suspend=1),
    "half a retry": videojob(retry={"limit": 2.5}),
    "too many retries": videojob(retry={"limit": 21}),
    "unknown fit": videojob({**IMAGE, "fit": "fill"}),
    "unknown format": videojob(outputs=[{**MP4, "format": "avi"}]),
    "content type that is none": videojob(outputs=[{**MP4, "object": {"contentType": "mp4"}}]),
    "cache control of two lines": videojob(outputs=[{**MP4, "object": {"cacheControl": "no-store\nX-Evil: 1"}}]),
    "too many tags": videojob(outputs=[{**MP4, "object": {"tags": {str(each): "a" for each in range(11)}}}]),
    "output without a name": videojob(outputs=[{"format": "mp4"}]),
    "two outputs of a name": videojob(outputs=[MP4, MP4]),
    "empty outputs": videojob(outputs=[]),
    "relative path": videojob({"image": {"uri": "a.jpg"}, "duration": "1s"}),
    "file scheme": videojob({"image": {"uri": "file:///etc/passwd"}, "duration": "1s"}),
    "space in a URI": videojob({"image": {"uri": "volume://media/my cat.jpg"}, "duration": "1s"}),
    "colour by name": videojob({"color": "red", "duration": "1s"}),
    "time without a zone": videojob(startAt="2026-01-01T00:00:00"),
    "time that is none": videojob(startAt="tomorrow"),
    "pool with capitals": videojob(pool="Default"),
    "user with spaces": videojob(user="ana maria"),
    "share above one": videojob(overlays=[{"image": IMAGE["image"], "opacity": 1.5}]),
    "width of nothing": videojob(overlays=[{"image": IMAGE["image"], "scale": 0.001}]),
    "gradient of one colour": videojob({"gradient": {"colors": ["#000000"]}, "duration": "1s"}),
    "unknown field": videojob(pol="default"),
    "unknown field within": videojob({**CLIP, "durration": "1s"}),
    "no parallelism": videojob(parallelism=0),
    "another word for parallelism": videojob(parallelism="some"),
    "long name": {**videojob(), "metadata": {"name": "x" * 64}},
    "transition into the first clip": videojob({**CLIP, "transition": {"type": "fade"}}),
    "long cut": videojob(CLIP, {**CLIP, "transition": {"type": "cut", "duration": "1s"}}),
    "crossfade through a colour": videojob(CLIP, {**CLIP, "transition": {"type": "crossfade", "color": "#ffffff"}}),
    "text for a templated integer": videojob(canvas={"width": "{ width }"}),
    "text for a templated number": videojob(overlays=[{"image": IMAGE["image"], "opacity": "half"}]),
    "text for a templated boolean": videojob(audio={"tracks": [{**TRACK, "loop": "yes"}]}),
    "map for a number": videojob(overlays=[{"image": IMAGE["image"], "opacity": {"a": 1}}]),
    "list for a boolean": videojob(audio={"tracks": [{**TRACK, "loop": [True]}]}),
    "fraction for an integer": videojob(canvas={"width": 640.5}),
    "too long a template": videojob({"color": "{{ " + "a" * 256 + " }}", "duration": "1s"}),
    "colour of a slice": videojob(CLIP, {**CLIP, "transition": {"type": "hlslice", "color": "#ffffff"}}),
    "text too long": videojob({"title": {"text": "x" * 4097}, "duration": "1s"}),
    "too many clips": videojob(*[CLIP] * 501),
}  # fmt: skip

# The server's rules see one field or its neighbours; what spans a timeline, or parses a path, is the operator's.
ONLY_THE_OPERATOR_KNOWS = {
    "transitions that do not fit": videojob(CLIP, {**CLIP, "transition": {"type": "crossfade", "duration": "3s"}}),
    "missing parameter": videojob({**CLIP, "color": "{{ color }}"}),
    "template that is none": videojob({**CLIP, "color": "{{ color | upper }}"}, parameters={"color": "#000000"}),
    "parameter of another type": videojob(canvas={"width": "{{ width }}"}, parameters={"width": "640"}),
    "parameter out of range": videojob(canvas={"width": "{{ width }}"}, parameters={"width": 641}),
    "boolean for a number": videojob(overlays=[{"image": IMAGE["image"], "opacity": True}]),
    "number for a boolean of a clip": videojob(audio={"tracks": [{**TRACK, "loop": 1}]}),
    "colour of a wipe by a template": videojob(
        CLIP, {**CLIP, "transition": {"type": "{{ way }}", "color": "#ffffff"}}, parameters={"way": "wipeLeft"}
    ),
    "effect that is none": videojob({**IMAGE, "effects": [{"name": "Sepia"}]}),
    "argument that is none": videojob({**IMAGE, "effects": [{"name": "Crop", "args": {"x3": 1}}]}),
    "transition that is none": videojob(CLIP, {**CLIP, "transition": {"type": "wipe"}}),
    "path out of the volume": videojob({"image": {"uri": "volume://media/../a.jpg"}, "duration": "1s"}),
    "attributes of an object for a file of a volume": videojob(
        outputs=[{**MP4, "uri": "volume://media/a.mp4", "object": {"contentType": "video/mp4"}}]
    ),
    "control character in a key": videojob({"image": {"uri": "s3://media/a%00.jpg"}, "duration": "1s"}),
    "rate out of range": videojob(canvas={"fps": "500"}),
    "poster after the end": videojob(outputs=[{"name": "poster", "format": "jpg", "at": "9s"}]),
    "crf of a picture": videojob(outputs=[{"name": "poster", "format": "jpg", "crf": 20}]),
    "soft deadline after the deadline": videojob(deadline="1m", softDeadline="2m"),
    "two outputs to one place": videojob(outputs=[{**MP4, "uri": "volume://m/a"}, {**MP4, "name": "b", "uri": "volume://m/a"}]),
}  # fmt: skip


POOLS_ACCEPTED: dict[str, dict[str, Any]] = {
    "nothing said": {},
    "everything said": {
        "queues": [{"name": "only"}],
        "minIdle": 0,
        "maxWorkers": 0,
        "idleTimeout": "0s",
        "surge": 1,
        "windows": [{"schedule": "0 8 * * 1-5", "timeZone": "Europe/Berlin", "duration": "10h", "minIdle": 0},
                    {"schedule": "@daily", "duration": "1m", "maxWorkers": 0}],
        "order": "fifo",
        "users": [{"name": "ann@example.org", "weight": 3}],
        "limits": {"running": {"user": 2, "project": 3, "pool": 10}, "dailyPerUser": 2, "timeZone": "Asia/Kolkata",
                   "waiting": {"user": 0, "project": 9, "pool": 10, "backlog": "20h"}, "size": 10**12,
                   "whenExceeded": "refuse", "tiers": {"pro": {"waiting": {"user": 9}, "size": 1}, "free": {}},
                   "allowTiers": {"pro": ["ann@example.org"], "free": ["*"]}},
        "defaults": {"canvas": {"fps": "25"}, "retry": {"limit": 0}, "quality": "draft"},
        "volumes": [{"name": "media", "source": {"persistentVolumeClaim": {"claimName": "media"}}}],
        "storage": {"outputPrefix": "volume://media/out", "allowHosts": ["*.example.org"], "objects": [
            {"name": "s3", "provider": "s3", "bucket": "media", "prefix": "my films", "endpoint": "http://minio:9000",
             "region": "eu-1", "secretRef": {"name": "s3"}, "readOnly": True, "storageClass": "STANDARD_IA",
             "encryption": {"algorithm": "aws:kms", "kmsKeyId": "alias/a"},
             "urls": {"presignedFor": "1h", "renewedWith": {"name": "reader"}}},
            {"name": "gs", "provider": "gs", "bucket": "media", "workloadIdentity": True,
             "urls": {"publicBase": "https://cdn.example.org/films"}},
            {"name": "az", "provider": "az", "bucket": "$web", "account": "films"},
        ]},
        "worker": {"resources": {"limits": {"cpu": 2}}, "nodeSelector": {"a": "b"}, "tolerations": [{"key": "gpu"}],
                   "serviceAccountName": "renders", "runtimeClassName": "gvisor",
                   "env": [{"name": "TZ", "value": "UTC"}],
                   "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone"}]},
    },
    "nulls are as good as nothing": {"limits": None, "defaults": None, "worker": {"affinity": None}},
}  # fmt: skip

POOLS_REFUSED: dict[str, dict[str, Any]] = {
    "no queues": {"queues": []},
    "weight of nothing": {"queues": [{"name": "a", "weight": 0}]},
    "two queues of a name": {"queues": [{"name": "a"}, {"name": "a"}]},
    "no surge": {"surge": 0},
    "more idle than there may be": {"minIdle": 2, "maxWorkers": 1},
    "outputs to no volume": {"storage": {"outputPrefix": "volume://media/out"}},
    "outputs to a volume that is read only": {
        "volumes": [{"name": "media", "source": {}, "readOnly": True}],
        "storage": {"outputPrefix": "volume://media/out"},
    },
    "outputs to no object store": {"storage": {"outputPrefix": "s3://media/out"}},
    "two object stores of a name": {"storage": {"objects": [STORE, STORE]}},
    "an object store of no known provider": {"storage": {"objects": [{**STORE, "provider": "ftp"}]}},
    "more object stores than there may be": {
        "storage": {"objects": [{**STORE, "name": f"a{index}", "prefix": f"{index}"} for index in range(17)]}
    },
    "negative workers": {"maxWorkers": -1},
    "a window without an end": {"windows": [{"schedule": "@daily"}]},
    "a window of no cron expression": {"windows": [{"schedule": "every day", "duration": "1h"}]},
    "a window of negative workers": {"windows": [{"schedule": "@daily", "duration": "1h", "maxWorkers": -1}]},
    "a tier allowed that there is not": {"limits": {"tiers": {"free": {}}, "allowTiers": {"pro": ["*"]}}},
    "a tier allowed without any": {"limits": {"allowTiers": {"pro": ["*"]}}},
    "a tier of no user": {"limits": {"tiers": {"pro": {}}, "allowTiers": {"pro": ["*a"]}}},
    "a time zone with blanks": {"limits": {"timeZone": "Europe / Berlin"}},
    "something else when exceeded": {"limits": {"whenExceeded": "drop"}},
    "volume without a source": {"volumes": [{"name": "media"}]},
    "relative prefix": {"storage": {"outputPrefix": "out"}},
    "scratch without a unit": {"worker": {"scratchSize": "8"}},
    "unknown quality": {"defaults": {"quality": "best"}},
    "unknown field": {"workers": 3},
}


def renderpool(spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": API_VERSION, "kind": "RenderPool", "metadata": {"name": "pool"}, "spec": spec}


@pytest.mark.parametrize("name", POOLS_ACCEPTED)
def test_both_accept_a_pool(apiserver: ApiServer, namespace: str, name: str) -> None:
    resource = renderpool(POOLS_ACCEPTED[name])
    assert _server_accepts(apiserver, namespace, resource)
    stored = apiserver.get("rp", "pool", namespace)
    assert parse_renderpool(stored).spec == parse_renderpool(resource).spec


@pytest.mark.parametrize("name", POOLS_REFUSED)
def test_both_refuse_a_pool(apiserver: ApiServer, namespace: str, name: str) -> None:
    resource = renderpool(POOLS_REFUSED[name])
    with pytest.raises(SpecError):
        parse_renderpool(resource)
    assert not _server_accepts(apiserver, namespace, resource)


def _server_accepts(apiserver: ApiServer, namespace: str, resource: dict[str, Any]) -> bool:
    done = apiserver.kubectl("create", "-n", namespace, "-f", "-", stdin=resource, check=False)
    assert done.returncode == 0 or "error" in done.stderr.lower() or "is invalid" in done.stderr
    return done.returncode == 0


@pytest.mark.parametrize("name", ACCEPTED)
def test_both_accept(apiserver: ApiServer, namespace: str, name: str) -> None:
    resource = ACCEPTED[name]
    job = parse_videojob(resource)
    assert _server_accepts(apiserver, namespace, resource)
    # And what the server made of it, with its defaults, is the same job.
    stored = apiserver.get("vj", "job", namespace)
    assert parse_videojob(stored).spec == job.spec


@pytest.mark.parametrize("name", REFUSED)
def test_both_refuse(apiserver: ApiServer, namespace: str, name: str) -> None:
    resource = REFUSED[name]
    assert problems(resource=resource)
    assert not _server_accepts(apiserver, namespace, resource)


@pytest.mark.parametrize("name", ONLY_THE_OPERATOR_KNOWS)
def test_only_the_operator_refuses(apiserver: ApiServer, namespace: str, name: str) -> None:
    resource = ONLY_THE_OPERATOR_KNOWS[name]
    assert problems(resource=resource)
    assert _server_accepts(apiserver, namespace, resource)


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_server_accepts_the_samples(apiserver: ApiServer, namespace: str, path: Path) -> None:
    for resource in yaml.safe_load_all(path.read_text()):
        apiserver.apply(resource, namespace)
