"""A configuration that changes while the bot runs."""

from __future__ import annotations

import signal

from tests.e2e.world import CONFIG, BotProcess, World, running, stall, until

SECRET_FILE = CONFIG.replace("${SIGNING_SECRET}", "${file:signing_secret}")


def edit(world: World, old: str, new: str) -> None:
    """Changes the file, as an editor does."""
    assert old in world.config
    world.config = world.config.replace(old, new)
    world.config_file()


def said_under(world: World) -> str:
    """The thread of the first card."""
    return "\n".join(reply.content.text for reply in world.replies(world.roots()[0]))


async def reloaded(bot: BotProcess, event: str = "configuration reloaded") -> None:
    """Asks for it, and waits until the log says so."""
    bot.process.send_signal(signal.SIGHUP)
    await until(lambda: bot.logged(event))


async def test_a_reload_says_nothing_again_and_takes_up_what_changed(world: World) -> None:
    async with running(world) as bot:
        task = stall(world)
        await until(lambda: len(world.roots()) == 1)
        edit(world, "critical: 100M", "critical: 1M")
        await reloaded(bot)
        # The level that was edited holds for what is open: it escalates, on the same card.
        await until(
            lambda: any("critical" in r.content.text for r in world.replies(world.roots()[0]))
        )
        world.cloud.relieve(task)
        await until(lambda: len(world.resolved()) == 1)
        assert len(world.roots()) == 1
        assert (await bot.get("/readyz"))[0] == 200
        assert await bot.ended(signal.SIGTERM) == 0


async def test_an_invalid_file_leaves_the_old_in_force_loudly(world: World) -> None:
    async with running(world) as bot:
        edit(world, "interval: 1s", "interval: soon")
        await reloaded(bot, "configuration not valid, the old holds")
        status, text = await bot.get("/api/health")
        assert status == 503
        assert "configuration" in text
        assert "dumptask_config_reload_success 0.0" in (await bot.get("/metrics"))[1]
        stall(world)
        await until(lambda: len(world.roots()) == 1)
        edit(world, "interval: soon", "interval: 1200ms")
        await reloaded(bot)
        await until(lambda: bot.logged("configuration reloaded"))
        assert "dumptask_config_reload_success 1.0" in (await bot.get("/metrics"))[1]
        assert await bot.ended(signal.SIGTERM) == 0
    assert len(world.roots()) == 1


async def test_an_unchanged_file_changes_nothing(world: World) -> None:
    async with running(world) as bot:
        await reloaded(bot, "configuration read again, unchanged")
        assert not bot.logged("configuration reloaded")
        assert await bot.ended(signal.SIGTERM) == 0


async def test_a_secret_in_a_file_is_taken_up_when_that_is_swapped(world: World) -> None:
    world.config = SECRET_FILE
    before = world.slack.options.credentials.signing_secret
    (world.folder / "signing_secret").write_text("0" * 32 + "\n", encoding="utf-8")
    async with running(world) as bot:
        refused = await world.slack.command(world.slack.command_url, "health")
        assert refused.status == 401
        fresh = world.folder / "fresh"
        fresh.write_text(f"{before}\n", encoding="utf-8")
        fresh.replace(world.folder / "signing_secret")
        # Nobody asks: the file is looked at every ten seconds.
        await until(lambda: bot.logged("configuration reloaded"))
        answer = await world.slack.command(world.slack.command_url, "health")
        assert answer.status == 200
        assert await bot.ended(signal.SIGTERM) == 0
    assert before not in "".join(bot.lines)


async def test_what_belongs_to_the_process_is_said_to_need_a_restart(world: World) -> None:
    async with running(world) as bot:
        edit(world, "port: 0", "port: 1")
        await reloaded(bot, "a restart is needed for this section")
        assert (await bot.get("/healthz"))[0] == 200
        assert await bot.ended(signal.SIGTERM) == 0


async def test_a_task_that_leaves_the_file_closes_as_no_longer_watched(world: World) -> None:
    async with running(world) as bot:
        stall(world)
        await until(lambda: len(world.roots()) == 1)
        name = next(
            t.name for t in world.cloud.scenario.tasks() if t.name in world.roots()[0].content.text
        )
        edit(
            world,
            "{account: demo, interval: 5s}",
            f'{{account: demo, interval: 5s, exclude: ["{name}"]}}',
        )
        await reloaded(bot)
        root = world.roots()[0]
        await until(lambda: any("no longer watched" in r.content.text for r in world.replies(root)))
        assert await bot.ended(signal.SIGTERM) == 0
