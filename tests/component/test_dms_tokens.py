"""Credentials that run out, on virtual time."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.adapters.dms.tokens import Lent, Renewing, life_until
from bot.ports import CloudDenied, CloudError, CloudThrottled, CloudUnavailable

pytestmark = pytest.mark.looptime

LIFE = timedelta(hours=24)
MARGIN = timedelta(minutes=30)
AFTER_REFUSAL = timedelta(hours=1)


class Issuer:
    """Issues token-1, token-2, and so on; fails as told."""

    def __init__(self, *failures: CloudError | None, takes_seconds: float = 0.0) -> None:
        self.failures = list(failures)
        self.asked = 0
        self.takes_seconds = takes_seconds

    async def __call__(self) -> Lent[str]:
        self.asked += 1
        asked = self.asked
        await asyncio.sleep(self.takes_seconds)
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        return Lent(f"token-{asked}", LIFE)


def renewing(issuer: Issuer) -> Renewing[str]:
    return Renewing(issuer, margin=MARGIN, after_refusal=AFTER_REFUSAL)


async def hours(count: float) -> None:
    await asyncio.sleep(count * 3600)


async def test_one_fetch_serves_all_who_wait() -> None:
    issuer = Issuer(takes_seconds=1)
    tokens = renewing(issuer)
    assert tokens.ready() is None
    assert await asyncio.gather(*(tokens.current() for _ in range(50))) == ["token-1"] * 50
    assert tokens.ready() == "token-1"
    assert issuer.asked == 1


async def test_a_waiter_that_gives_up_does_not_stop_the_fetch() -> None:
    issuer = Issuer(takes_seconds=5)
    tokens = renewing(issuer)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await tokens.current()
    assert await tokens.current() == "token-1"
    assert issuer.asked == 1


async def test_the_next_one_is_fetched_before_the_end_while_the_old_one_serves() -> None:
    issuer = Issuer(takes_seconds=60)
    tokens = renewing(issuer)
    await tokens.current()
    await hours(23.4)
    assert (tokens.ready(), issuer.asked) == ("token-1", 1)
    await hours(0.2)
    assert tokens.ready() == "token-1"
    await asyncio.sleep(61)
    assert (tokens.ready(), issuer.asked) == ("token-2", 2)


async def test_a_failed_renewal_leaves_the_old_one_in_force_until_its_end() -> None:
    down = CloudUnavailable("down")
    issuer = Issuer(None, *[down] * 8)
    tokens = renewing(issuer)
    await tokens.current()
    await hours(23.6)
    for _ in range(100):
        assert tokens.ready() == "token-1"
        await asyncio.sleep(5)
    assert issuer.asked == 9  # 2 + 4 + 8 + ... seconds apart, not a hundred times
    await hours(0.4)
    assert await tokens.current() == "token-10"


async def test_a_refused_password_is_not_tried_again_for_an_hour() -> None:
    issuer = Issuer(CloudDenied("wrong password"))
    tokens = renewing(issuer)
    for minutes in range(59):
        with pytest.raises(CloudDenied, match="wrong password"):
            await tokens.current()
        assert issuer.asked == 1, f"asked again after {minutes} minutes"
        await asyncio.sleep(60)
    await asyncio.sleep(61)
    assert await tokens.current() == "token-2"


async def test_everybody_is_told_when_it_will_be_asked_again() -> None:
    tokens = renewing(Issuer(CloudDenied("wrong password", request_id="r1")))
    with pytest.raises(CloudDenied, match=r"wrong password \(asked again in 60 min\)") as caught:
        await tokens.current()
    assert caught.value.request_id == "r1"
    await asyncio.sleep(3550)
    with pytest.raises(CloudDenied, match=r"asked again in 50 s"):
        await tokens.current()


async def test_an_outage_is_asked_about_less_and_less_often() -> None:
    issuer = Issuer(*[CloudUnavailable("down")] * 1000)
    tokens = renewing(issuer)
    for _ in range(720):
        with pytest.raises(CloudUnavailable, match="down"):
            await tokens.current()
        await asyncio.sleep(5)
    assert 15 <= issuer.asked <= 25


async def test_a_throttled_fetch_waits_as_long_as_it_was_told() -> None:
    issuer = Issuer(CloudThrottled("slow down", retry_after=timedelta(minutes=2)))
    tokens = renewing(issuer)
    with pytest.raises(CloudThrottled) as caught:
        await tokens.current()
    assert caught.value.retry_after == timedelta(minutes=2)
    await asyncio.sleep(121)
    assert await tokens.current() == "token-2"


async def test_a_refused_token_is_replaced_once_and_not_again_soon() -> None:
    issuer = Issuer(takes_seconds=1)
    tokens = renewing(issuer)
    await tokens.current()
    assert await tokens.replace(lambda token: token == "token-1")
    assert not await tokens.replace(lambda token: token == "token-2")
    assert issuer.asked == 2
    await asyncio.sleep(601)
    assert await tokens.replace(lambda token: token == "token-2")
    assert tokens.ready() == "token-3"


async def test_many_polls_refused_at_once_share_one_replacement() -> None:
    issuer = Issuer(takes_seconds=1)
    tokens = renewing(issuer)
    await tokens.current()
    replaced = await asyncio.gather(
        *(tokens.replace(lambda token: token == "token-1") for _ in range(20))
    )
    assert replaced == [True] * 20
    assert issuer.asked == 2


async def test_the_same_credentials_again_are_no_replacement() -> None:
    async def same() -> Lent[str]:
        return Lent("keys", LIFE)

    keys = Renewing(same, margin=MARGIN, after_refusal=AFTER_REFUSAL)
    await keys.current()
    assert not await keys.replace(lambda value: value == "keys")


async def test_a_life_shorter_than_the_margin_is_used_for_half_of_it() -> None:
    issued: list[float] = []

    async def short() -> Lent[str]:
        issued.append(asyncio.get_running_loop().time())
        return Lent("short", timedelta(minutes=10))

    keys = Renewing(short, margin=MARGIN, after_refusal=AFTER_REFUSAL)
    await keys.current()
    for _ in range(720):
        assert await keys.current() == "short"
        await asyncio.sleep(5)
    assert len(issued) == 12


async def test_closing_ends_a_fetch_that_hangs() -> None:
    tokens = renewing(Issuer(takes_seconds=1000))
    waiting = asyncio.create_task(tokens.current())
    await asyncio.sleep(1)
    await tokens.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


@pytest.mark.parametrize(
    ("end", "life"),
    [
        ("2026-01-02T03:04:05.000000Z", timedelta(days=1)),
        ("2026-01-02T03:04:05", timedelta(days=1)),
        ("2020-01-01T00:00:00Z", timedelta(minutes=1)),
        ("tomorrow", timedelta(hours=1)),
        ("", timedelta(hours=1)),
        (None, timedelta(hours=1)),
    ],
)
async def test_the_end_is_read_as_iam_writes_it(end: str | None, life: timedelta) -> None:
    assert life_until(end, datetime(2026, 1, 1, 3, 4, 5, tzinfo=UTC)) == life
