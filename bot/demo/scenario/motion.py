"""How the offsets of one partition move: closed formulas over scenario time, in seconds.

A healthy dump is a sawtooth. The log end grows with a rate that swings a little; a delivery leaves
at `phase + k * deliver_every`, takes everything up to the log end of that moment, and shows in the
position when its upload is done. Nothing is simulated step by step, so any moment, also one before
the start, costs the same to ask for, and asking changes nothing.

What holds a partition back is a `Hindrance`: while it lasts each delivery takes `share` of the
intake; afterwards the backlog goes in `catch_up` equal deliveries.
"""

from dataclasses import dataclass
from math import floor, inf, nextafter, sin

from bot.demo.scenario.behaviours import IdleTail, NotYetTransferred, Window


@dataclass(frozen=True, slots=True)
class Wave:
    """A swing of the rate: `depth` is its share of the rate, all depths together below 1."""

    depth: float
    per_second: float
    phase: float

    def shift(self, at: float) -> float:
        """Seconds of traffic that the swing adds by then; its slope stays within ±depth."""
        return self.depth / self.per_second * sin(self.per_second * at + self.phase)


@dataclass(frozen=True, slots=True)
class Rise:
    """More traffic in a window."""

    window: Window
    factor: float


@dataclass(frozen=True, slots=True)
class Hindrance:
    """Fewer messages transferred in a window: a share of them, 0 for none.

    Raises:
        ValueError: the backlog could never go, or more would be transferred than came in.
    """

    window: Window
    share: float
    catch_up: int

    def __post_init__(self) -> None:
        if self.catch_up < 1 or not 0 <= self.share <= 1:
            raise ValueError("a hindrance needs a share from 0 to 1 and at least 1 delivery after")


@dataclass(frozen=True, slots=True)
class Restart:
    """The log begins again at 0. `position` is where the dump stands before its next delivery."""

    at: float
    keeps_position: bool = False
    born: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """One partition. Rates are messages per second, times are seconds.

    Raises:
        ValueError: a repeated hindrance comes again before its backlog can be gone, or rises below
            1 could together make the log run backwards.
    """

    first_offset: int
    rate: float
    waves: tuple[Wave, ...] = ()
    rises: tuple[Rise, ...] = ()
    hindrances: tuple[Hindrance, ...] = ()
    restarts: tuple[Restart, ...] = ()
    idle: IdleTail | None = None
    unstarted: NotYetTransferred | None = None
    deliver_every: float
    phase: float
    upload: float
    retention: float

    def __post_init__(self) -> None:
        if sum(min(0.0, rise.factor - 1) for rise in self.rises) < -1:
            raise ValueError(
                "surges with a factor below 1 must not take more than all traffic away"
            )
        for hindrance in self.hindrances:
            self._check_room_to_catch_up(hindrance)

    def _check_room_to_catch_up(self, hindrance: Hindrance) -> None:
        window = hindrance.window
        if window.every is None or window.end is None:
            return
        length = (window.end - window.start).total_seconds()
        needed = length + (hindrance.catch_up + 1) * self.deliver_every
        if window.every.total_seconds() < needed:
            raise ValueError(
                f"a hindrance that repeats must leave {needed:g} s from start to start"
            )

    def exists(self, at: float) -> bool:
        """False before a partition that was added later appears."""
        return all(at >= restart.at for restart in self.restarts if restart.born)

    def log_end(self, at: float) -> int:
        """The next offset to be written."""
        return self._log_end(at, self._restart(at))

    def log_start(self, at: float) -> int:
        """The first offset that retention has left."""
        return self._log_end(at - self.retention, self._restart(at))

    def transferred(self, at: float) -> int | None:
        """The next offset to dump; None while there is no position."""
        restart = self._restart(at)
        delivery = floor((at - self.upload - self.phase) / self.deliver_every)
        moment = self._moment(delivery)
        if self._unstarted(moment):
            return None
        if restart is None:
            return self._left_by_tail(self._position(delivery, None), moment, None)
        if moment < restart.at and restart.born:
            return None
        position = self._left_by_tail(self._position(delivery, restart), moment, restart)
        if not restart.keeps_position:
            return position
        return max(position, self.transferred(nextafter(restart.at, -inf)) or 0)

    def _restart(self, at: float) -> Restart | None:
        past = [restart for restart in self.restarts if restart.at <= at]
        return max(past, key=lambda restart: restart.at, default=None)

    def _moment(self, delivery: int) -> float:
        return self.phase + delivery * self.deliver_every

    def _last_before(self, at: float) -> int:
        """The last delivery that left before `at`."""
        delivery = floor((at - self.phase) / self.deliver_every)
        return delivery if self._moment(delivery) < at else delivery - 1

    def _unstarted(self, moment: float) -> bool:
        if self.unstarted is None:
            return False
        return self.unstarted.until is None or moment < self.unstarted.until.total_seconds()

    def _produced(self, at: float) -> int:
        if self.idle is not None:
            at = min(at, self.idle.since.total_seconds())
        if self.unstarted is not None and self.unstarted.log_still:
            until = self.unstarted.until
            at = 0.0 if until is None else max(at, until.total_seconds())
        flow = at + sum((rise.factor - 1) * rise.window.passed(at) for rise in self.rises)
        flow += sum(wave.shift(flow) for wave in self.waves)
        return self.first_offset + floor(self.rate * flow)

    def _log_end(self, at: float, restart: Restart | None) -> int:
        if restart is None:
            return max(0, self._produced(at))
        if at <= restart.at:
            return 0
        return self._produced(at) - self._produced(restart.at)

    def _position(self, delivery: int, restart: Restart | None) -> int:
        moment = self._moment(delivery)
        whole = self._log_end(moment, restart)
        latest = self._hindrance(moment)
        if latest is None:
            return whole
        hindrance, began, ended = latest
        before = self._last_before(began)
        last_held = self._last_before(ended) if ended < inf else delivery
        since = max(0, delivery - last_held)
        if last_held <= before or since >= hindrance.catch_up:
            return whole
        start, end = (
            self._log_end(self._moment(number), restart)
            for number in (before, min(delivery, last_held))
        )
        held = self._position(before, restart) + floor((end - start) * hindrance.share)
        return held + (whole - held) * since // hindrance.catch_up

    def _hindrance(self, moment: float) -> tuple[Hindrance, float, float] | None:
        begun = [
            (hindrance, *span)
            for hindrance in self.hindrances
            if (span := hindrance.window.latest(moment)) is not None
        ]
        return max(begun, key=lambda entry: entry[1], default=None)

    def _left_by_tail(self, position: int, moment: float, restart: Restart | None) -> int:
        if self.idle is None:
            return position
        if self.idle.until is not None and moment >= self.idle.until.total_seconds():
            return position
        still = self._log_end(max(moment, self.idle.since.total_seconds()), restart)
        return min(position, max(0, still - self.idle.left))
