"""Which store serves a URI, what a pool may say of its stores, and what an output in a store may say."""

from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.contract.examples import CLIP, problems, videojob
from videojob_contract.defaults import resolve
from videojob_contract.problems import SpecError
from videojob_contract.resources.object_stores import ObjectStore, object_key, store_of
from videojob_contract.validation import parse_renderpool, parse_videojob

MEDIA = {"name": "media", "provider": "s3", "bucket": "media"}
AZURE = {"name": "media", "provider": "az", "bucket": "media", "account": "films"}
BUCKET = "is not a bucket: write its name alone, of lower case letters, digits, -, _ and ."
URL = "is not the URL of a server: write https://HOST or http://HOST:PORT, without user and query"
KNOWN = (
    "storage.objects has s3://media/ (media), s3://media/out/ (renders), s3://media/my films/ (spaces), "
    "gs://media/ (google)"
)
POOL = parse_renderpool(
    {
        "spec": {
            "storage": {
                "outputPrefix": "s3://media/out",
                "objects": [
                    {**MEDIA, "readOnly": True},
                    {**MEDIA, "name": "renders", "prefix": "out"},
                    {**MEDIA, "name": "spaces", "prefix": "my films/"},
                    {"name": "google", "provider": "gs", "bucket": "media"},
                ],
            }
        }
    }
).spec


def name_of(uri: str) -> str | None:
    store = store_of(uri, POOL.storage.objects)
    return store and store.name


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("s3://media/a.jpg", "media"),
        ("s3://media/out/a.jpg", "renders"),
        ("s3://media/%6fut/a.jpg", "renders"),
        ("s3://media/out2/a.jpg", "media"),
        ("s3://media/out", "media"),
        ("s3://media/my%20films/a.jpg", "spaces"),
        ("s3://media/my%2520films/a.jpg", "media"),
        ("gs://media/out/a.jpg", "google"),
        ("az://media/out/a.jpg", None),
        ("s3://media2/a.jpg", None),
        ("s3://user:password@media/a.jpg", None),
        ("volume://media/a.jpg", None),
        ("https://media/a.jpg", None),
    ],
)
def test_the_longest_prefix_that_covers_a_uri_serves_it(uri: str, name: str | None) -> None:
    assert name_of(uri) == name


part = st.text(st.characters(exclude_characters="/", exclude_categories=("Cs", "Cc")), min_size=1, max_size=4)
parts = st.lists(part.filter(lambda each: each not in {".", ".."}), min_size=1, max_size=4)


@given(st.lists(parts, max_size=6), parts, st.integers(0, 4), st.randoms(use_true_random=False))
def test_a_store_serves_what_is_below_its_prefix_and_nothing_else(
    prefixes: list[list[str]], key: list[str], shared: int, order: Any
) -> None:
    prefixes = [*prefixes, key[: min(shared, len(key) - 1)]]
    distinct = {"/".join(prefix): prefix for prefix in prefixes}
    stores = [ObjectStore(**MEDIA, prefix=text or None) for text in distinct]
    order.shuffle(stores)
    uri = "s3://media/" + "/".join(quote(each, safe="") for each in key)
    assert object_key(uri) == "/".join(key)
    covering = [prefix for prefix in distinct.values() if prefix == key[: len(prefix)] and len(prefix) < len(key)]
    found = store_of(uri, stores)
    assert (found and (found.prefix or "")) == max(map("/".join, covering), key=len, default=None)


def problems_of_pool(spec: dict[str, Any]) -> list[str]:
    try:
        parse_renderpool({"spec": spec})
    except SpecError as error:
        return [str(problem) for problem in error.problems]
    return []


def told(*stores: dict[str, Any]) -> list[str]:
    found = problems_of_pool({"storage": {"objects": list(stores)}})
    return [problem.removeprefix("spec.storage.objects") for problem in found]


@pytest.mark.parametrize(
    ("store", "problem"),
    [
        (MEDIA, None),
        (AZURE, None),
        ({**MEDIA, "endpoint": "http://minio.storage:9000", "region": "eu-1", "secretRef": {"name": "minio"}}, None),
        ({**AZURE, "bucket": "$web", "endpoint": "http://127.0.0.1:10000/films"}, None),
        ({**MEDIA, "prefix": "team a/renders/"}, None),
        ({**MEDIA, "encryption": {"algorithm": "aws:kms", "kmsKeyId": "arn:aws:kms:eu-1:1:key/a"}}, None),
        ({**MEDIA, "workloadIdentity": True, "urls": {"presignedFor": "168h"}}, None),
        ({**MEDIA, "urls": {"publicBase": "https://cdn.example.org/films"}}, None),
        ({**MEDIA, "secretRef": {"name": "s"}, "workloadIdentity": True},
         "[0].workloadIdentity: give either secretRef or workloadIdentity"),
        ({**AZURE, "account": None}, "[0].account: az needs a storage account"),
        ({**MEDIA, "account": "films"}, "[0].account: is for az"),
        ({**AZURE, "region": "eu-1"}, "[0].region: is for s3"),
        ({**MEDIA, "provider": "gs", "encryption": {"algorithm": "AES256"}}, "[0].encryption: is for s3"),
        ({**MEDIA, "encryption": {"algorithm": "AES256", "kmsKeyId": "a"}},
         "[0].encryption.kmsKeyId: is for the algorithm aws:kms"),
        ({**MEDIA, "urls": {}}, "[0].urls: needs one of presignedFor and publicBase"),
        ({**MEDIA, "workloadIdentity": True, "urls": {"presignedFor": "1h", "publicBase": "https://a"}},
         "[0].urls: needs one of presignedFor and publicBase"),
        ({**MEDIA, "workloadIdentity": True, "urls": {"presignedFor": "169h"}},
         "[0].urls.presignedFor: must be longer than 0s and at most 168h"),
        ({**MEDIA, "workloadIdentity": True, "urls": {"presignedFor": "0s"}},
         "[0].urls.presignedFor: must be longer than 0s and at most 168h"),
        ({**MEDIA, "urls": {"presignedFor": "1h"}},
         "[0].urls: needs credentials to sign with: a secretRef or workloadIdentity"),
        ({**MEDIA, "prefix": "a/../b"}, "[0].prefix: must not have . or .. parts"),
        *(({**MEDIA, "prefix": prefix},
           f'[0].prefix: "{prefix}" is not a prefix: write it as renders or team/renders, with no / at the start')
          for prefix in ("/a", "a//b", "", "/")),
        *(({**MEDIA, "bucket": bucket}, f'[0].bucket: "{bucket}" {BUCKET}')
          for bucket in ("Media", "media/out", "me", "media-", "a b c")),
        ({**MEDIA, "bucket": "s3://media"}, f'[0].bucket: "s3://media" {BUCKET}'),
        ({**MEDIA, "endpoint": "minio:9000"}, f'[0].endpoint: "minio:9000" {URL}'),
        ({**MEDIA, "endpoint": "https://user:secret@minio"}, f'[0].endpoint: "https://minio" {URL}'),
        ({**AZURE, "account": "my-films"},
         '[0].account: "my-films" is not a storage account: write its 3 to 24 lower case letters and digits'),
    ],
)  # fmt: skip
def test_what_must_hold_in_a_store(store: dict[str, Any], problem: str | None) -> None:
    assert told(store) == ([problem] if problem else [])


def test_two_stores_of_one_place_are_refused() -> None:
    other = {**MEDIA, "name": "other", "endpoint": "http://minio"}
    assert told(MEDIA, other) == ["[1]: s3://media/ is of media already: no URI could tell them apart"]
    assert told({**MEDIA, "prefix": "a"}, {**other, "prefix": "a/"})[0].startswith("[1]: s3://media/a/ is of media")
    assert told(MEDIA, {**other, "prefix": "a"}) == []
    assert told(MEDIA, MEDIA) == ["spec: storage.objects must have different names, not media, media"]


def refused(*clips: dict[str, Any], **spec: Any) -> list[str]:
    parsed = parse_videojob(videojob(*clips, **spec)).spec
    with pytest.raises(SpecError) as caught:
        resolve(parsed, POOL, namespace="films", name="job")
    return [str(problem) for problem in caught.value.problems]


def test_a_source_that_no_store_covers_is_refused_with_those_that_there_are() -> None:
    assert refused({"image": {"uri": "s3://user:secret@photos/a.jpg"}, "duration": "1s"}) == [
        f'spec.clips[0].image.uri: s3://photos/a.jpg: pool "default" reaches no such object store; {KNOWN}'
    ]


def test_an_output_goes_to_the_store_that_covers_it_and_may_be_written() -> None:
    spec = parse_videojob(videojob(CLIP)).spec
    resolved = resolve(spec, POOL, namespace="films", name="job")
    assert [output.uri for output in resolved.outputs or ()] == [
        "s3://media/out/films/job/main.mp4",
        "s3://media/out/films/job/poster.jpg",
    ]
    assert refused(outputs=[{"name": "main", "format": "mp4", "uri": "s3://media/a.mp4"}]) == [
        'spec.outputs[0].uri: s3://media/a.mp4: object store "media" of pool "default" is read-only'
    ]


@pytest.mark.parametrize(
    ("prefix", "problem"),
    [
        ("s3://media/out", None),
        ("s3://media/out/below/", None),
        ("s3://media/my%20films", None),
        ("s3://media", 's3://media: object store "media" of the pool is read-only'),
        ("s3://media/out?x", "s3://media/out must not go on with ? or #; write them as %3F and %23"),
        ("az://media/out", f"az://media/out: the pool reaches no such object store; {KNOWN}"),
    ],
)  # fmt: skip
def test_the_output_prefix_is_in_a_store_that_may_be_written(prefix: str, problem: str | None) -> None:
    spec = POOL.to_dict()
    spec["storage"]["outputPrefix"] = prefix
    assert problems_of_pool(spec) == ([f"spec.storage.outputPrefix: {problem}"] if problem else [])


@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        ("s3://media/a%23b%3Fc%25%2B.jpg", None),
        ("gs://media/%C3%A9.jpg", None),
        ("s3://media", "s3://media names no file; write s3://media/path/to/file"),
        ("az://media/a/", "az://media/a/ names no file; write az://media/path/to/file"),
        ("s3:///a.jpg", "s3:///a.jpg names no bucket"),
        ("s3://media/a//b.jpg", "s3://media/a//b.jpg must not have empty, . or .. parts in its path"),
        ("s3://media/%2e%2e/b.jpg", "s3://media/%2e%2e/b.jpg must not have empty, . or .. parts in its path"),
        ("s3://media/a%2fb.jpg", "s3://media/a%2fb.jpg must not have empty, . or .. parts in its path"),
        ("s3://media/a.jpg?versionId=1", "s3://media/a.jpg must not go on with ? or #; write them as %3F and %23"),
        ("s3://media/a%0Ab.jpg", "s3://media/a%0Ab.jpg must not have control characters in its path"),
        ("s3://media/a%FF.jpg", "s3://media/a%FF.jpg has escapes in its path that are not UTF-8"),
        ("volume://media/a%00.jpg", "volume://media/a%00.jpg must not have control characters in its path"),
        ("s3://media/" + "a" * 1024, None),
        (f"s3://media/{'a' * 1023}%C3%A9", f"s3://media/{'a' * 1023}%C3%A9 has a key of more than 1024 bytes"),
    ],
)  # fmt: skip
def test_uris_of_objects(uri: str, problem: str | None) -> None:
    found = problems({"image": {"uri": uri}, "duration": "1s"})
    assert found == ([f"spec.clips[0].image.uri: {problem}"] if problem else [])


def output(uri: str | None, **attributes: Any) -> dict[str, Any]:
    return {"name": "main", "format": "mp4", "uri": uri, "object": attributes}


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        (output("s3://media/a.mp4", contentType="video/mp4; codecs=avc1", cacheControl="public, max-age=60",
                metadata={"title": "Holiday", "x-of": "a"}, tags={"Keep": "für immer"}), None),
        (output("volume://media/a.mp4"),
         "object: is for outputs in an object store, and volume://media/a.mp4 is in none"),
        (output("gs://media/a.mp4", tags={"a": "b"}), "object.tags: gs has no tags; use metadata"),
        (output("s3://media/a.mp4", contentType="mp4"),
         'object.contentType: "mp4" is not a media type: write it as video/mp4'),
        (output("s3://media/a.mp4", cacheControl="no-store\r\nX-Evil: 1"),
         'object.cacheControl: "no-store\r\nX-Evil: 1" cannot be sent in a header: use printable ASCII'),
        (output("s3://media/a.mp4", contentType="video/mp4;\n"),
         'object.contentType: "video/mp4;\n" is not a media type: write it as video/mp4'),
        (output("s3://media/a.mp4", metadata={"a": "é"}),
         'object.metadata.a: "é" cannot be sent in a header: use printable ASCII'),
        (output("s3://media/a.mp4", metadata={"A b": "c"}),
         'object.metadata: "A b" cannot be a name of metadata: use lower case letters, digits, - and _'),
        (output("s3://media/a.mp4", tags={str(index): "" for index in range(11)}),
         "object.tags: takes at most 10, and has 11"),
    ],
)  # fmt: skip
def test_what_an_output_says_of_its_object(written: dict[str, Any], problem: str | None) -> None:
    assert problems(outputs=[written]) == ([f"spec.outputs[0].{problem}"] if problem else [])


def test_where_the_pool_sends_an_output_decides_too() -> None:
    volumes = parse_renderpool(
        {
            "spec": {
                "volumes": [{"name": "media", "source": {"emptyDir": {}}}],
                "storage": {"outputPrefix": "volume://media/out"},
            }
        }
    ).spec
    spec = parse_videojob(videojob(outputs=[output(None, tags={"a": "b"})])).spec
    assert resolve(spec, POOL, namespace="films", name="job").outputs
    with pytest.raises(SpecError, match=r"spec.outputs\[0\].object: is for outputs in an object store"):
        resolve(spec, volumes, namespace="films", name="job")
