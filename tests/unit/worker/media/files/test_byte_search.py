"""Every place where bytes are in a file is found once, wherever its blocks end."""

from io import BytesIO
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from videojob_worker.media.files import byte_search
from videojob_worker.media.files.byte_search import find_bytes

FEW = st.lists(st.sampled_from(b"ab"), max_size=24).map(bytes)


@given(data=FEW, sought=FEW.filter(bool), start=st.integers(0, 30), block=st.integers(1, 9))
def test_it_is_every_place_from_the_start_on(data: bytes, sought: bytes, start: int, block: int) -> None:
    file = BytesIO(data)
    found = []
    with patch.object(byte_search, "_BLOCK", block):
        for at in find_bytes(file, sought, start):
            found.append(at)
            file.seek(0)  # whoever asks may read elsewhere
    assert found == [at for at in range(start, len(data)) if data.startswith(sought, at)]


def test_no_more_is_read_than_what_was_asked_for_takes() -> None:
    file = BytesIO(b"OggS" + bytes(1024 * 1024))
    assert next(find_bytes(file, b"OggS", 0)) == 0
    assert file.tell() <= 64 * 1024
