"""`ask` beside a bot that runs: two processes over one store."""

from __future__ import annotations

import json
import signal

from tests.e2e.test_commands import ran
from tests.e2e.world import World, running, stall, until


async def test_an_act_from_a_terminal_reaches_the_card_and_the_bot_goes_on(world: World) -> None:
    async with running(world) as bot:
        task = stall(world)
        await until(lambda: len(world.roots()) == 1)
        file, environ = str(world.folder / "config.yaml"), world.environ()
        listed = await ran(
            "ask", "-c", file, "--json", "incidents", environ=environ, cwd=world.folder
        )
        assert listed.code == 0, listed.err
        (row,) = json.loads(listed.out)["parts"][0]["rows"]
        acked = await ran(
            "ask", "-c", file, "ack", row["task"], "on", "it", environ=environ, cwd=world.folder
        )
        assert acked.code == 0, acked.err
        await until(lambda: "on it" in str(world.roots()[0].content.blocks))
        quiet = await ran(
            "ask", "-c", file, f"silence {row['task']} 2h", environ=environ, cwd=world.folder
        )
        assert quiet.code == 0, quiet.err
        await until(lambda: "silenced until" in str(world.roots()[0].content.blocks))
        rings = len(world.slack.rings("C0DATA"))
        world.cloud.relieve(task)
        await until(lambda: len(world.resolved()) == 1)
        assert len(world.roots()) == 1
        assert len(world.slack.rings("C0DATA")) == rings
        assert "acknowledged after" in str(world.roots()[0].content.blocks)
        assert await bot.ended(signal.SIGTERM) == 0
