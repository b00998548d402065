"""Where an output is that may be sent."""

import pytest

from videojob_contract.resources.outputs import Format, Output
from videojob_contract.resources.status import OutputStatus
from videojob_gateway.errors import NoSuchOutputError
from videojob_gateway.output_places import extension, media_type, published, volume_path

FOLDER = "films/holiday"


def at(uri: str, name: str = "main") -> OutputStatus:
    return OutputStatus(name=name, uri=uri, bytes=1, sha256="0" * 64)


def test_it_is_below_its_namespace_and_name_or_where_the_spec_says():
    assert volume_path(at("volume://media/out/films/holiday/main.mp4"), None, folder=FOLDER) == (
        "media",
        ("out", "films", "holiday", "main.mp4"),
    )
    own = [Output(name="main", format=Format.MP4, uri="volume://media/my%20film.mp4")]
    assert volume_path(at("volume://media/my%20film.mp4"), own, folder=FOLDER) == ("media", ("my film.mp4",))


@pytest.mark.parametrize(
    ("uri", "wanted"),
    [
        ("volume://media/out/films/others/main.mp4", None),
        ("volume://media/out/films/holiday/main.mp4", [Output(name="main", format=Format.WEBM)]),
        ("volume://media/out/films/holiday/main.mp4", [Output(name="other", format=Format.MP4)]),
        ("volume://media/secret.mp4", [Output(name="main", format=Format.MP4, uri="volume://media/a.mp4")]),
        ("volume://media/../../etc/films/holiday/main.mp4", None),
        ("volume://media/%2e%2e/films/holiday/main.mp4", None),
        ("volume://media/a%2Fb/films/holiday/main.mp4", None),
        ("volume://media/a%00b/films/holiday/main.mp4", None),
        ("volume://../films/holiday/main.mp4", None),
        ("volume://./films/holiday/main.mp4", None),
        ("volume:///films/holiday/main.mp4", None),
        ("volume://user@media/films/holiday/main.mp4", None),
        ("file:///out/films/holiday/main.mp4", None),
        ("s3://bucket/films/holiday/main.mp4", None),
        ("volume://media/out/films/holiday/main.mp4?x=/films/holiday/main.mp4", None),
    ],
)
def test_what_a_worker_says_leads_nowhere_else(uri, wanted):
    with pytest.raises(NoSuchOutputError):
        volume_path(at(uri), wanted, folder=FOLDER)


HLS = [Output(name="main", format=Format.HLS)]
PLAYLIST = at("volume://media/films/holiday/main.m3u8")


def test_a_playlist_has_the_files_that_it_names():
    digest = "0123456789ab"
    for file in (f"main-{digest}/seg-1.m4s", f"main-{digest}/init.mp4", f"main-{digest}/720.m3u8"):
        assert volume_path(PLAYLIST, HLS, folder=FOLDER, file=file)[1][2:] == tuple(file.split("/"))
    assert volume_path(PLAYLIST, HLS, folder=FOLDER, file="main.m3u8")[1][-1] == "main.m3u8"


@pytest.mark.parametrize(
    "file",
    [
        "../other/main.mp4",
        "main-0123456789ab/../x.mp4",
        "other-0123456789ab/seg.m4s",
        "main-0123456789ab/a/b.m4s",
        "main-0123456789ab/secret.txt",
        "main.mp4",
        "/etc/passwd",
        "main-0123456789ab/",
        "./main.m3u8",
    ],
)
def test_and_no_others(file):
    with pytest.raises(NoSuchOutputError):
        volume_path(PLAYLIST, HLS, folder=FOLDER, file=file)


def test_what_is_not_published_is_not_there():
    assert published([at("volume://a/b")], "main").name == "main"
    for outputs in (None, [], [at("volume://a/b", "poster")]):
        with pytest.raises(NoSuchOutputError):
            published(outputs, "main")


def test_only_media_is_shown_by_a_browser():
    assert media_type("a.MP4") == "video/mp4"
    for name in ("a.html", "a.svg", "a", "a.mp4.html", 'a."x'):
        assert (media_type(name), extension(name)) == ("application/octet-stream", "")
