"""How much of an upload has come, by the names and lengths of its parts alone."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from videojob_gateway.assets.store_parts import (
    PART_BYTES,
    asset_of,
    contiguous,
    done_name,
    group,
    missing_parts,
    part_name,
)
from videojob_gateway.assets.store_requests import StoredObject

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
ID = "0123456789abcdef" * 2
DIGEST = "9f" * 32


def stored(path: str, size: int = 1, after_s: int = 0) -> StoredObject:
    return StoredObject(path, size, BEGAN + timedelta(seconds=after_s))


@given(st.data())
def test_whatever_is_put_counts_up_to_the_first_gap(data: st.DataObject) -> None:
    length = data.draw(st.integers(1, 4 * PART_BYTES))
    has_come = data.draw(st.integers(0, length))
    cuts = data.draw(st.sets(st.integers(1, max(1, has_come)), max_size=5))
    ends = sorted({cut for cut in cuts if cut < has_come} | set(range(PART_BYTES, has_come, PART_BYTES)) | {has_come})
    sizes = {begin: end - begin for begin, end in zip([0, *ends], ends, strict=False) if end > begin}
    assert sum(size for _, size in contiguous(sizes, length)) == has_come
    missing = missing_parts(sizes, length)
    assert (missing == []) is (has_come == length)
    sizes |= dict(missing)  # a whole part takes the place of what there is of it
    assert missing_parts(sizes, length) == []
    assert sum(size for _, size in contiguous(sizes, length)) == length


def test_a_part_that_is_too_long_or_empty_does_not_count() -> None:
    length = 2 * PART_BYTES + 5
    for sizes in ({0: PART_BYTES + 1}, {0: 0}, {1: 4}, {}):
        assert list(contiguous(sizes, length)) == []
        assert len(missing_parts(sizes, length)) == 3
    whole = {0: PART_BYTES, PART_BYTES: PART_BYTES}
    assert missing_parts({**whole, 2 * PART_BYTES: 6}, length) == [(2 * PART_BYTES, 5)]
    assert missing_parts({**whole, 2 * PART_BYTES: 5}, length) == []


def test_an_upload_is_what_is_named_as_we_name_things() -> None:
    at = f"partial/ana/{ID}"
    found = group(
        [
            stored(f"{at}/record.json"),
            stored(f"{at}/{part_name(0)}", 7, 5),
            stored(f"{at}/notes.txt", 3, 9),
            stored(f"{at}/asset.x.7"),
            stored("partial/ana/other/record.json"),
            stored("partial/ana"),
        ]
    )
    assert list(found) == [ID]
    upload = found[ID]
    assert (upload.sizes, upload.has_record, upload.asset) == ({0: 7}, True, "")
    assert upload.touched_at == BEGAN + timedelta(seconds=9)
    assert len(upload.paths) == 4
    [done] = group([stored(f"{at}/{done_name(DIGEST, 7)}")]).values()
    assert (done.asset, done.length, done.has_record) == (DIGEST, 7, False)


def test_an_asset_is_what_is_named_as_we_name_things() -> None:
    asset = asset_of(stored(f"assets/ana/{DIGEST}/film.mp4", 7))
    assert asset is not None
    assert (asset.user, asset.sha256, asset.name, asset.size_bytes) == ("ana", DIGEST, "film.mp4", 7)
    assert asset.path == f"assets/ana/{DIGEST}/film.mp4"
    nobodys = asset_of(stored(f"assets/_/{DIGEST}/film.mp4"))
    assert nobodys is not None
    assert nobodys.user == ""
    for path in (
        f"assets/ana/{DIGEST}/film.exe",
        f"assets/ana/{DIGEST}/.mp4",
        f"assets/ana/{DIGEST}/a/film.mp4",
        f"assets/a b/{DIGEST}/film.mp4",
        "assets/ana/9f/film.mp4",
        f"assets/{DIGEST}/film.mp4",
        "assets",
    ):
        assert asset_of(stored(path)) is None, path
