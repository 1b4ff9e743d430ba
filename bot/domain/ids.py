"""Short ids that people can read aloud and type: no look-alike letters, any case.

An id is derived from what it names, so the same thing seen again makes the same id.
"""

from __future__ import annotations

from hashlib import blake2b

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without 0 1 I L O U: no two of these are mistaken for each other."""
LENGTH = 10
"""About 49 bits: a million ids collide with a chance of one in a thousand."""
SHOWN = 6
"""Characters shown to people; a prefix is enough to name a thing."""


def derived_id(prefix: str, *parts: str) -> str:
    """An id such as `i-7KQ2M4XW9B` from the parts that identify the thing."""
    text = "\x1f".join(parts).encode(errors="surrogatepass")
    digest = blake2b(text, digest_size=8).digest()
    number = int.from_bytes(digest, "big")
    letters = []
    for _ in range(LENGTH):
        number, rest = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[rest])
    return f"{prefix}-{''.join(letters)}"


def short(full_id: str) -> str:
    """The part of an id that people are shown."""
    prefix, _, letters = full_id.partition("-")
    return f"{prefix}-{letters[:SHOWN]}"


def names_id(typed: str, full_id: str) -> bool:
    """Whether what a person typed, in any case, with or without its prefix, begins this id."""
    wanted = typed.strip().upper()
    prefix, _, letters = full_id.partition("-")
    start = f"{prefix.upper()}-"
    wanted = wanted.removeprefix(start)
    return bool(wanted) and letters.startswith(wanted)
