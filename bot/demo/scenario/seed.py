"""Luck that is the same every time: numbers and ids derived from a seed and some words.

`random` would need a generator per thing and an order of drawing; a hash of the thing's own name
gives the same number wherever and whenever it is asked for.
"""

from hashlib import blake2b
from uuid import UUID


def _digest(seed: int, words: tuple[object, ...], *, size: int) -> bytes:
    text = "\x1f".join((str(seed), *(str(word) for word in words)))
    return blake2b(text.encode(), digest_size=size).digest()


def chance(seed: int, *words: object) -> float:
    """A number from 0 up to but without 1."""
    return (int.from_bytes(_digest(seed, words, size=8), "big") >> 11) / (1 << 53)


def between(low: float, high: float, *, seed: int, words: tuple[object, ...]) -> float:
    """A number from `low` up to but without `high`."""
    return low + (high - low) * chance(seed, *words)


def uuid_for(seed: int, *words: object) -> str:
    """An id of the form that the cloud gives to instances, connectors and tasks."""
    return str(UUID(bytes=_digest(seed, words, size=16), version=4))


def hex_for(seed: int, *words: object) -> str:
    """32 hexadecimal digits: the form of project ids and request ids."""
    return _digest(seed, words, size=16).hex()
