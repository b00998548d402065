"""Two URIs lead to one place, or they do not, whatever pools call it."""

from typing import Any

import pytest

from videojob_contract.resources import RenderPoolSpec
from videojob_contract.resources.outputs import Output
from videojob_operator.true_places import true_places

Source = dict[str, Any]


def claim(name: str, **more: object) -> Source:
    return {"persistentVolumeClaim": {"claimName": name, **more}}


def nfs(server: str, path: str) -> Source:
    return {"nfs": {"server": server, "path": path}}


def host(path: str) -> Source:
    return {"hostPath": {"path": path}}


def csi(share: str) -> Source:
    return {"csi": {"driver": "smb.csi.k8s.io", "volumeAttributes": {"source": share}}}


def on_volume(path: str, source: Source) -> str | None:
    """Return the true name of a file on a volume."""
    pool = RenderPoolSpec.model_validate({"volumes": [{"name": "v", "source": source}]})
    output = Output.model_validate({"name": "main", "format": "mp4", "uri": f"volume://v/{path}"})
    return true_places(output, pool).get(f"volume://v/{path}")


def in_bucket(uri: str, **store: object) -> str | None:
    """Return the true name of an object."""
    name, _, rest = uri.partition("://")
    entry = {"name": "o", "provider": name, "bucket": rest.partition("/")[0], **store}
    pool = RenderPoolSpec.model_validate({"storage": {"objects": [entry]}})
    output = Output.model_validate({"name": "main", "format": "mp4", "uri": uri})
    return true_places(output, pool).get(uri)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (on_volume("a.mp4", claim("media")), on_volume("a.mp4", claim("media"))),
        (on_volume("a.mp4", claim("media")), on_volume("a.mp4", claim("media", readOnly=False))),
        (on_volume("out/a.mp4", host("/srv")), on_volume("a.mp4", host("/srv/out/"))),
        (on_volume("out/a.mp4", nfs("nas", "/")), on_volume("a.mp4", nfs("nas", "/out"))),
        (on_volume("a.mp4", csi("//nas/films")), on_volume("a.mp4", csi("//nas/films"))),
        (in_bucket("s3://films/a.mp4"), in_bucket("s3://films/a.mp4", region="eu-west-1", secretRef={"name": "keys"})),
        (in_bucket("s3://films/x/a.mp4"), in_bucket("s3://films/x/a.mp4", prefix="x")),
        (
            in_bucket("s3://films/a.mp4", endpoint="https://S3.example.org"),
            in_bucket("s3://films/a.mp4", endpoint="https://s3.example.org/"),
        ),
    ],
)  # fmt: skip
def test_it_is_one_place(one: str | None, other: str | None) -> None:
    assert one is not None
    assert one == other


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (on_volume("a.mp4", claim("media")), on_volume("b.mp4", claim("media"))),
        (on_volume("a.mp4", claim("media")), on_volume("a.mp4", claim("films"))),
        (on_volume("a.mp4", claim("media")), on_volume("a.mp4", host("media"))),
        (on_volume("a.mp4", nfs("nas", "/out")), on_volume("a.mp4", nfs("nas2", "/out"))),
        (on_volume("a.mp4", csi("//nas/films")), on_volume("a.mp4", csi("//nas/music"))),
        (in_bucket("s3://films/a.mp4"), in_bucket("s3://films/A.mp4")),
        (in_bucket("s3://films/a.mp4"), in_bucket("gs://films/a.mp4")),
        (in_bucket("s3://films/a.mp4"), in_bucket("s3://films/a.mp4", endpoint="https://s3.example.org")),
        (in_bucket("az://films/a.mp4", account="one"), in_bucket("az://films/a.mp4", account="two")),
    ],
)  # fmt: skip
def test_there_are_two_places(one: str | None, other: str | None) -> None:
    assert one is not None
    assert other is not None
    assert one != other


@pytest.mark.parametrize("source", [{"emptyDir": {}}, {"ephemeral": {"volumeClaimTemplate": {}}}])
def test_a_volume_of_a_pod_alone_is_nobody_elses(source: Source) -> None:
    assert on_volume("a.mp4", source) is None


@pytest.mark.parametrize(
    "source", [{}, {"hostPath": {"path": ["x"]}}, {"persistentVolumeClaim": None}, {"nfs": {"path": 1}}]
)
def test_a_source_that_kubernetes_will_refuse_is_a_place_all_the_same(source: Source) -> None:
    assert on_volume("a.mp4", source) is not None
