"""Puts an aiohttp application of the simulated world on a real socket.

Both simulators, the cloud and the chat, listen on loopback for the demo and for the tests. The
sizes follow the cloud's gateway, which takes one header of up to 32 KiB (Huawei Cloud API Gateway,
error codes 0201 and 494): aiohttp's own bound of 8,190 bytes would refuse the tokens of IAM, whose
published sample has 9,120 characters.
"""

from aiohttp import web

_FIELD_BYTES = 32 * 1024
_SHUTDOWN_SECONDS = 2.0


async def serve(
    app: web.Application, *, host: str = "127.0.0.1", port: int = 0
) -> tuple[web.AppRunner, int]:
    """Listen, and tell the port; 0 lets the system choose. `await runner.cleanup()` ends it.

    Raises:
        OSError: the address cannot be used.
    """
    runner = web.AppRunner(
        app,
        access_log=None,
        handler_cancellation=True,
        shutdown_timeout=_SHUTDOWN_SECONDS,
        max_field_size=_FIELD_BYTES,
        max_line_size=_FIELD_BYTES,
    )
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    try:
        await site.start()
    except OSError:
        await runner.cleanup()
        raise
    return runner, _bound_port(runner)


def _bound_port(runner: web.AppRunner) -> int:
    """The port of the first socket; an IPv4 or IPv6 address carries it in second place."""
    address: tuple[str, int] | tuple[str, int, int, int] = runner.addresses[0]
    return address[1]
