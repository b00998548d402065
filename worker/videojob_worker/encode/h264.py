"""As much of H.264's bitstream as it takes to put frames between those that x264 made.

By the names and numbers of ITU-T H.264. A frame of x264 keeps every bit but those that say when it is shown; a frame
that repeats the one before is written here, in a few bytes, because x264 takes as long for it as for any that moves
little. The packets are in the byte stream format (annex B).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final, Self

_SLICE, _IDR_SLICE, _SPS, _PPS = 1, 5, 7, 8
_P_SLICES: Final = 5
"""slice_type of a P slice in a picture that has no others."""
_HIGH_PROFILES: Final = frozenset((100, 110, 122, 244))
_LARGEST_QP: Final = 51
_HEAD_BYTES: Final = 12
"""A slice's first bytes, in which all that is read or changed here has room."""
_HALF_RANGE: Final = 256
# Table 9-44, rows of the states 42 to 62, which is where mb_skip_flag of a P slice starts at the largest QP and ends.
_FIRST_STATE: Final = 42
_RANGE_LPS: Final = (
    *((16, 20, 23, 27), (15, 19, 22, 25), (14, 18, 21, 24), (14, 17, 20, 22), (13, 16, 19, 21), (12, 15, 18, 20)),
    *((12, 14, 17, 19), (11, 14, 16, 18), (11, 13, 15, 17), (10, 12, 15, 16), (10, 12, 14, 15), (9, 11, 13, 14)),
    *((9, 11, 12, 14), (8, 10, 12, 13), (8, 9, 11, 12), (7, 9, 11, 12), (7, 9, 10, 11), (7, 8, 10, 11)),
    *((6, 8, 9, 11), (6, 7, 9, 10), (6, 7, 8, 9)),
)


class _Reader:
    """Reads the bits of a NAL unit's start."""

    def __init__(self, payload: bytes) -> None:
        self._bits, self._left = int.from_bytes(payload, "big"), len(payload) * 8
        self.position = 0

    def u(self, count: int) -> int:
        self.position += count
        self._left -= count
        if self._left < 0:
            raise AssertionError("a NAL unit ends within its header")
        return (self._bits >> self._left) & ((1 << count) - 1)

    def ue(self) -> int:
        zeros = 0
        while not self.u(1):
            zeros += 1
        return (1 << zeros) - 1 + self.u(zeros)

    def se(self) -> int:
        code = self.ue()
        return (code + 1) // 2 if code % 2 else -(code // 2)


class _Writer:
    """Puts bits together, the first on top."""

    def __init__(self) -> None:
        self._bits = self._count = 0

    def u(self, value: int, count: int) -> None:
        self._bits, self._count = (self._bits << count) | value, self._count + count

    def ue(self, value: int) -> None:
        self.u(value + 1, (value + 1).bit_length() * 2 - 1)

    def se(self, value: int) -> None:
        self.ue(2 * value - 1 if value > 0 else -2 * value)

    def aligned(self, filler: int) -> bytes:
        while self._count % 8:
            self.u(filler, 1)
        return self._bits.to_bytes(self._count // 8, "big")


@dataclass(frozen=True, slots=True)
class ParameterSets:
    """What of an encoder's SPS and PPS says how its slices are to be read."""

    frame_num_bits: int
    poc_bits: int
    macroblocks: int
    has_chroma: bool
    pps_id: int
    cabac: bool
    weighted: bool
    initial_qp: int
    deblocking_control: bool

    @classmethod
    def parse(cls, extradata: bytes) -> Self:
        """Read the parameter sets of a progressive stream in which frames are put in order by a counter (type 0)."""
        units = {unit[0] & 31: _Reader(_without_emulation(unit[1:])) for unit in _units(extradata)}
        sps, pps = units[_SPS], units[_PPS]
        profile = sps.u(24) >> 16
        sps.ue()
        chroma = 1
        if profile in _HIGH_PROFILES:
            chroma = sps.ue()
            sps.ue(), sps.ue()
            if sps.u(2):
                raise AssertionError("an SPS with scaling lists")
        frame_num_bits = sps.ue() + 4
        if sps.ue():
            raise AssertionError("frames are not ordered by a counter")
        poc_bits = sps.ue() + 4
        sps.ue(), sps.u(1)
        macroblocks = (sps.ue() + 1) * (sps.ue() + 1)
        if not sps.u(1):
            raise AssertionError("an interlaced stream")
        pps_id = pps.ue()
        pps.ue()
        cabac, field_order, slice_groups = pps.u(1), pps.u(1), pps.ue()
        if field_order or slice_groups:
            raise AssertionError("a PPS with fields or slice groups")
        pps.ue(), pps.ue()
        weighted = pps.u(1)
        pps.u(2)
        initial_qp = 26 + pps.se()
        pps.se(), pps.se()
        return cls(
            frame_num_bits=frame_num_bits,
            poc_bits=poc_bits,
            macroblocks=macroblocks,
            has_chroma=chroma > 0,
            pps_id=pps_id,
            cabac=bool(cabac),
            weighted=bool(weighted),
            initial_qp=initial_qp,
            deblocking_control=bool(pps.u(1)),
        )


@dataclass(frozen=True, slots=True)
class SliceHead:
    """The start of a slice."""

    is_idr: bool
    is_reference: bool
    frame_num: int


def head_of(packet: bytes, sets: ParameterSets) -> SliceHead:
    """Read the start of a frame's first slice."""
    unit = next(unit for unit in _units(packet) if unit[0] & 31 in (_SLICE, _IDR_SLICE))
    reader = _at_frame_num(unit)
    return SliceHead(unit[0] & 31 == _IDR_SLICE, bool(unit[0] >> 5), reader.u(sets.frame_num_bits))


def show_later(packet: bytes, sets: ParameterSets, frames: int) -> bytes:
    """Move a frame of x264 to be shown some frames later, counted from the IDR frame before it."""
    if not frames:
        return packet
    return b"".join(b"\0\0\0\1" + _later(unit, sets, frames) for unit in _units(packet))


def repeat(sets: ParameterSets, frame_num: int, back: int, since_idr: int) -> bytes:
    """Write a frame that shows once more what a reference frame shows, and that no other frame refers to.

    Args:
        sets: those of the stream.
        frame_num: one more than that of the last reference frame.
        back: how many reference frames back, 1 for the last, the one to repeat is.
        since_idr: when it is shown, in frames since the last IDR frame.
    """
    slice_ = _Writer()
    slice_.ue(0)  # first_mb_in_slice
    slice_.ue(_P_SLICES)
    slice_.ue(sets.pps_id)
    slice_.u(frame_num % (1 << sets.frame_num_bits), sets.frame_num_bits)
    slice_.u(since_idr * 2 % (1 << sets.poc_bits), sets.poc_bits)
    slice_.u(1, 1)  # num_ref_idx_active_override_flag
    slice_.ue(0)
    slice_.u(back > 1, 1)  # ref_pic_list_modification_flag_l0
    if back > 1:
        slice_.ue(0)
        slice_.ue(back - 1)
        slice_.ue(3)
    if sets.weighted:
        slice_.ue(0)  # with the default weights
        if sets.has_chroma:
            slice_.ue(0)
        slice_.u(0, 2 if sets.has_chroma else 1)
    if sets.cabac:
        slice_.ue(0)  # cabac_init_idc
    slice_.se(_LARGEST_QP - sets.initial_qp)  # nothing is quantised; it makes the flags below the cheapest
    if sets.deblocking_control:
        slice_.ue(1)  # off: there is nothing to filter
    if sets.cabac:
        payload = slice_.aligned(1) + _skip_flags(sets.macroblocks)
    else:
        slice_.ue(sets.macroblocks)  # mb_skip_run
        slice_.u(1, 1)
        payload = slice_.aligned(0)
    return b"\0\0\0\1" + bytes([_SLICE]) + _with_emulation(payload)


@cache
def _skip_flags(macroblocks: int) -> bytes:
    """Encode that every macroblock of a P slice is skipped, by 9.3.4's arithmetic coder.

    The more probable value is coded each time, which leaves the coder's lower bound at zero until the end.
    """
    range_, state, shifts = 510, _FIRST_STATE, 0
    for macroblock in range(macroblocks):
        range_ -= _RANGE_LPS[state - _FIRST_STATE][range_ >> 6 & 3]  # mb_skip_flag: 1
        state = min(state + 1, _FIRST_STATE + len(_RANGE_LPS) - 1)
        if range_ < _HALF_RANGE:
            range_, shifts = range_ << 1, shifts + 1
        range_ -= 2
        if macroblock < macroblocks - 1 and range_ < _HALF_RANGE:  # end_of_slice_flag: 0
            range_, shifts = range_ << 1, shifts + 1
    bits = _Writer()
    bits.u(range_ | 1, shifts + 9)  # end_of_slice_flag: 1, whose last bit is the slice's stop bit
    return bits.aligned(0)


def _at_frame_num(unit: bytes) -> _Reader:
    reader = _Reader(_without_emulation(unit[1 : 1 + 2 * _HEAD_BYTES]))
    reader.ue(), reader.ue(), reader.ue()  # first_mb_in_slice, slice_type, pic_parameter_set_id
    return reader


def _later(unit: bytes, sets: ParameterSets, frames: int) -> bytes:
    kind = unit[0] & 31
    if kind == _IDR_SLICE:
        raise AssertionError("an IDR frame starts the count anew")
    if kind != _SLICE:
        return unit
    reader = _at_frame_num(unit)
    reader.u(sets.frame_num_bits)
    counter = (reader.u(sets.poc_bits) + 2 * frames) % (1 << sets.poc_bits)
    payload = _without_emulation(unit[1:])
    below = _HEAD_BYTES * 8 - reader.position
    mask = ((1 << sets.poc_bits) - 1) << below
    head = int.from_bytes(payload[:_HEAD_BYTES].ljust(_HEAD_BYTES, b"\0"), "big") & ~mask | counter << below
    changed = head.to_bytes(_HEAD_BYTES, "big")[: len(payload)] + payload[_HEAD_BYTES:]
    return unit[:1] + _with_emulation(changed)


def _units(packet: bytes) -> Iterator[bytes]:
    """Yield the NAL units of a packet."""
    for unit in packet.split(b"\0\0\1")[1:]:
        # What is before a start code may end in a zero that belongs to it.
        yield unit.rstrip(b"\0")


def _without_emulation(unit: bytes) -> bytes:
    return unit.replace(b"\0\0\3", b"\0\0")


def _with_emulation(payload: bytes) -> bytes:
    return re.sub(rb"\0\0(?=[\0-\3])", b"\0\0\3", payload)
