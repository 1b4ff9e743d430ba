"""How the garbage collector treats a bot that has started."""

from __future__ import annotations

import gc

_YOUNG_OBJECTS, _MIDDLE_EVERY, _OLD_EVERY = 50_000, 20, 50
"""Python's own are 700, 10 and 10, and start a collection every few polls, though what a poll
leaves behind is freed without any."""


def settle_memory() -> None:
    """What was made so far lives as long as the process: no collection need look at it again.

    What is made from now on is looked at less often, which is a twentieth of the time of a poll.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, _MIDDLE_EVERY, _OLD_EVERY)
