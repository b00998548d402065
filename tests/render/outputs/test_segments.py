"""Segments that are made apart, in any order and by other processes, give the bytes of a render in one."""

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from tests import media
from tests.render.studio import Studio, image
from videojob_contract.errors import PermanentError
from videojob_worker.encode.packet_file import PacketFileWriter
from videojob_worker.encode.sealed_packets import open_sealed, seal
from videojob_worker.engine import describe_segments, join_segments, render, render_segment
from videojob_worker.request import RenderRequest

OUTPUTS = (
    {"name": "main", "format": "mp4"},
    {"name": "small", "format": "mp4", "width": 80, "fps": "12", "codec": "h265"},
    {"name": "fixed", "format": "mp4", "width": 80, "bitrate": "200k"},
    {"name": "loop", "format": "gif", "width": 80, "fps": "5"},
    {"name": "poster", "format": "jpg"},
)


def silent(_: object) -> None:
    """Take progress, and tell nobody."""


def never() -> bool:
    return False


@pytest.fixture
def request_in(studio: Studio) -> Callable[[str], RenderRequest]:
    """Ask for stills, a crossfade and a video, each time with a folder of its own."""
    video = media.clip("bigbuckbunny.mp4")
    paths = media.photographs(320, 180)[:3]
    entry = {"transition": {"type": "crossfade", "duration": "500ms"}}
    clips = [image(path, "3s", **(entry if index else {})) for index, path in enumerate(paths)]
    clips.append({"video": {"uri": f"volume://media/{video.name}"}, "duration": "5s"})

    def ask(name: str) -> RenderRequest:
        request = studio.request(clips, files=[*paths, video], outputs=OUTPUTS)
        scratch = studio.scratch / name
        scratch.mkdir()
        return replace(request, scratch=scratch)

    return ask


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_joined_segments_are_the_bytes_of_a_whole_render(request_in: Callable[[str], RenderRequest]) -> None:
    # On a busy machine x264 once in hundreds of times codes the same pictures in another way: a second try tells.
    for number in range(2):
        whole, parts, joined = (request_in(f"{name}-{number}") for name in ("whole", "parts", "joined"))
        render(whole, silent, never)
        descriptions = describe_segments(parts, silent, never)
        assert len(descriptions) == 2
        for description in reversed(descriptions):
            render_segment(
                replace(parts, settings=parts.settings.model_copy(update={"threads": 3})), description, silent, never
            )
        outputs = join_segments(joined, descriptions, parts.scratch, silent, never)
        assert [output.name for output in outputs] == [output["name"] for output in OUTPUTS]
        assert files_of(parts.scratch) == {}
        if files_of(joined.scratch) == files_of(whole.scratch):
            break
    assert files_of(joined.scratch) == files_of(whole.scratch)


def test_a_description_gives_the_same_bytes_twice(request_in: Callable[[str], RenderRequest]) -> None:
    first, second = request_in("first"), request_in("second")
    description = describe_segments(first, silent, never)[0]
    assert describe_segments(second, silent, never)[0] == description
    render_segment(first, description, silent, never)
    render_segment(second, description, silent, never)
    assert files_of(first.scratch) == files_of(second.scratch)
    assert set(files_of(first.scratch)) == {f"{name}-0000.packets" for name in ("main", "small", "loop")}


def test_a_description_names_the_sources_that_are_seen(request_in: Callable[[str], RenderRequest]) -> None:
    described = [json.loads(text) for text in describe_segments(request_in("any"), silent, never)]
    assert not any(uri.endswith(".mp4") for uri in described[0]["sources"])
    assert [uri for uri in described[-1]["sources"] if uri.endswith(".mp4")]
    assert sum(each["frames"] for each in described) == described[-1]["start"] + described[-1]["frames"]


def test_a_segment_of_another_source_is_not_made(request_in: Callable[[str], RenderRequest], tmp_path: Path) -> None:
    request = request_in("any")
    description = describe_segments(request, silent, never)[0]
    uri = next(iter(json.loads(description)["sources"]))
    changed = tmp_path / "changed"
    changed.write_bytes(request.sources[uri].read_bytes() + b"\0")
    with pytest.raises(PermanentError, match="segment 0 would be another one here: sources differ"):
        render_segment(replace(request, sources={**request.sources, uri: changed}), description, silent, never)


def test_a_segment_of_another_engine_is_not_made(request_in: Callable[[str], RenderRequest]) -> None:
    request = request_in("any")
    described = json.loads(describe_segments(request, silent, never)[0])
    described["engine"]["videojob"] = "0.0.1"
    with pytest.raises(PermanentError, match="segment 0 would be another one here: engine differ"):
        render_segment(request, json.dumps(described), silent, never)


def test_a_missing_segment_is_named(request_in: Callable[[str], RenderRequest]) -> None:
    request = request_in("any")
    descriptions = describe_segments(request, silent, never)
    with pytest.raises(PermanentError, match=r"packet file main-0000\.packets is missing"):
        join_segments(request, descriptions, request.scratch, silent, never)
    with pytest.raises(PermanentError, match=r"the job has \d segments, and these are \[0\]"):
        join_segments(request, descriptions[:1], request.scratch, silent, never)


def packets(path: Path, made_from: str = "this") -> Path:
    """Seal three frames from the tenth."""
    writer = PacketFileWriter(path, 10)
    for frame in range(3):
        writer.write(b"packet %d" % frame, frame, frame, is_keyframe=frame == 0)
    return seal(writer.finish(b"sets"), made_from)


def test_a_sealed_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    packet_file = open_sealed(packets(tmp_path / "a.packets"), "this", range(10, 13))
    assert (packet_file.parameter_sets, list(packet_file.pts), list(packet_file.keyframes)) == (
        b"sets",
        [10, 11, 12],
        [1, 0, 0],
    )
    assert [bytes(packet) for packet in packet_file.packets(Fraction(1, 25))] == [b"packet 0", b"packet 1", b"packet 2"]
    assert not packet_file.path.exists()


def test_any_damage_to_a_sealed_file_is_seen(tmp_path: Path) -> None:
    path = packets(tmp_path / "a.packets")
    good = path.read_bytes()
    for place in range(len(good)):
        path.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        with pytest.raises(PermanentError, match=r"packet file a\.packets is damaged"):
            open_sealed(path, "this", range(10, 13))
    for length in (0, 10, len(good) - 1):
        path.write_bytes(good[:length])
        with pytest.raises(PermanentError, match=r"packet file a\.packets is (cut short|damaged)"):
            open_sealed(path, "this", range(10, 13))


def test_a_sealed_file_of_something_else_is_refused(tmp_path: Path) -> None:
    path = packets(tmp_path / "a.packets", "that")
    with pytest.raises(PermanentError, match=r"made from another description \(that, not this\)"):
        open_sealed(path, "this", range(10, 13))
    with pytest.raises(PermanentError, match="does not have the 4 frames from 10, each once"):
        open_sealed(path, "that", range(10, 14))
