"""Finding NAL units: of lengths or start codes, in records and packets, broken off or not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videojob_contract.resources.outputs import Codec
from videojob_worker.media.video.nal_units import packet_units, record_units

START = b"\0\0\1"
# Of one byte, the length before it is a start code.
UNITS = st.lists(st.binary(min_size=2, max_size=40).filter(lambda unit: b"\0\0" not in unit + b"\0"), max_size=8)
CODECS = st.sampled_from([Codec.H264, Codec.H265])
HEADERS = {Codec.H264: b"\1\x64\0\x1f", Codec.H265: b"\1" + bytes(20)}


def record(codec: Codec, length: int, units: list[bytes]) -> bytes:
    """A configuration record of units, and of the size of the lengths before those in packets."""
    listed = b"".join(len(unit).to_bytes(2) + unit for unit in units)
    size = bytes([0xFC | length - 1])
    if codec is Codec.H264:
        return HEADERS[codec] + size + bytes([0xE0 | len(units)]) + listed + b"\0"
    return HEADERS[codec] + size + b"\1\x21" + len(units).to_bytes(2) + listed


def packed(units: list[bytes], length: int) -> bytes:
    return b"".join(len(unit).to_bytes(length) + unit for unit in units)


@given(codec=CODECS, length=st.sampled_from([1, 2, 4]), sets=UNITS, units=UNITS)
def test_units_are_found_by_their_lengths(codec: Codec, length: int, sets: list[bytes], units: list[bytes]) -> None:
    head = record(codec, length, sets)
    assert list(record_units(codec, head)) == sets
    assert list(packet_units(codec, head, packed(units, length))) == units


@given(codec=CODECS, units=UNITS, start=st.sampled_from([START, b"\0" + START]))
def test_units_are_found_by_start_codes(codec: Codec, units: list[bytes], start: bytes) -> None:
    data = b"".join(start + unit for unit in units)
    for found in (record_units(codec, data), packet_units(codec, b"", data)):
        assert [unit.rstrip(b"\0") for unit in found if unit.strip(b"\0")] == [unit.rstrip(b"\0") for unit in units]


@given(codec=CODECS, units=UNITS.filter(len), left=st.integers(0, 39))
def test_a_unit_that_breaks_off_is_found_as_far_as_it_goes(codec: Codec, units: list[bytes], left: int) -> None:
    *whole, last = units
    cut = packed(whole, 4) + len(last).to_bytes(4) + last[:left]
    found = list(packet_units(codec, record(codec, 4, []), cut))
    assert found[: len(whole)] == whole
    assert last[:left] in found


@pytest.mark.parametrize("codec", HEADERS)
def test_units_within_others_and_in_place_of_a_length_are_found(codec: Codec) -> None:
    head = record(codec, 4, [])
    assert b"behind" in list(packet_units(codec, head, packed([b"before" + START + b"behind"], 4)))
    assert b"behind" in list(packet_units(codec, head, b"\xff\xff\0\0\1behind"))
    assert b"behind" in list(packet_units(codec, head, b"\0" + START + b"behind"))


@given(codec=CODECS, head=st.binary(max_size=60), packet=st.binary(max_size=200))
def test_whatever_is_there_the_search_ends(codec: Codec, head: bytes, packet: bytes) -> None:
    assert len(list(packet_units(codec, head, packet))) <= 3 * len(packet) + 600
    assert len(list(record_units(codec, head))) <= len(head) ** 2 + 600
