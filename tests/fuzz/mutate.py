"""Breaks files the way that finds faults: most of it in headers and in numbers that say how long something is."""

import struct
from collections.abc import Callable
from random import Random

_HEADER = 512
_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_MOST_CHANGES = 4

Mutation = Callable[[Random, bytearray, bytes], None]


def mutate(random: Random, content: bytes, other: bytes) -> bytes:
    """Return a broken copy of a file, perhaps with parts of another."""
    broken = bytearray(content)
    for _ in range(random.randint(1, _MOST_CHANGES)):
        random.choice(_MUTATIONS)(random, broken, other)
    return bytes(broken)


def _at(random: Random, size: int) -> int:
    """Choose a place: every other time in the first bytes, where headers are."""
    return random.randrange(max(1, min(size, _HEADER) if random.random() < 0.5 else size))


def _flip(random: Random, broken: bytearray, _other: bytes) -> None:
    if broken:
        broken[_at(random, len(broken))] ^= 1 << random.randrange(8)


def _number(random: Random, broken: bytearray, _other: bytes) -> None:
    """Write a number that breaks sums, at one of three widths, either way round."""
    at = _at(random, len(broken))
    order, width = random.choice("<>"), random.choice("BHI")
    packed = struct.pack(order + width, random.choice(_NUMBERS) & (1 << 8 * struct.calcsize(width)) - 1)
    broken[at : at + len(packed)] = packed


def _truncate(random: Random, broken: bytearray, _other: bytes) -> None:
    del broken[_at(random, len(broken)) :]


def _remove(random: Random, broken: bytearray, _other: bytes) -> None:
    at = _at(random, len(broken))
    del broken[at : at + random.randint(1, 64)]


def _repeat(random: Random, broken: bytearray, _other: bytes) -> None:
    at = _at(random, len(broken))
    part = bytes(broken[at : at + random.randint(1, 256)])
    broken[at:at] = part * random.randint(1, 16)


def _splice(random: Random, broken: bytearray, other: bytes) -> None:
    start = _at(random, len(other))
    at = _at(random, len(broken))
    broken[at:at] = other[start : start + random.randint(1, 1024)]


def _metadata(random: Random, broken: bytearray, _other: bytes) -> None:
    """Grow the file by much that means nothing."""
    at = _at(random, len(broken))
    broken[at:at] = bytes([random.randrange(256)]) * random.choice((1 << 10, 1 << 16, 1 << 20))


# Flips and numbers more often: what is cut in two is mostly refused at once.
_MUTATIONS: tuple[Mutation, ...] = (
    _flip,
    _flip,
    _flip,
    _number,
    _number,
    _truncate,
    _remove,
    _repeat,
    _splice,
    _metadata,
)
