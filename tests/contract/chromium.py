"""A real browser for tests: Debian's Chromium without a window, driven over its DevTools protocol.

The browser listens on a port of its own choosing, which it writes into its profile folder; one
WebSocket to its page carries numbered commands and their answers.
"""

import asyncio
import base64
import itertools
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)
_WITHIN_S = 20.0


class Page:
    """One page of the browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self.complaints: list[str] = []
        """What the page wrote to its console as errors, and its uncaught exceptions."""

    async def command(self, method: str, **parameters: object) -> dict[str, object]:
        """Send one command of the protocol and wait for its answer."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        async with asyncio.timeout(_WITHIN_S):
            while True:
                told = await self._socket.receive_json()
                self._note(told)
                if told.get("id") == number:
                    assert "error" not in told, told
                    answer: dict[str, object] = told["result"]
                    return answer

    def _note(self, told: dict[str, object]) -> None:
        parameters = told.get("params")
        if told.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(str(parameters))
        if told.get("method") == "Log.entryAdded" and isinstance(parameters, dict):
            entry = parameters["entry"]
            if entry["level"] == "error":
                self.complaints.append(f"{entry['text']} {entry.get('url', '')}")

    async def evaluate(self, expression: str) -> object:
        """The value of a JavaScript expression; a promise is waited for."""
        told = await self.command(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in told, told
        result = told["result"]
        assert isinstance(result, dict)
        value: object = result.get("value")
        return value

    async def until(self, condition: str) -> None:
        """Wait until a JavaScript expression is true."""
        async with asyncio.timeout(_WITHIN_S):
            while not await self.evaluate(f"Boolean({condition})"):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.02)

    async def open(self, url: str) -> None:
        """Go to an address and wait until it is loaded."""
        await self.command("Page.navigate", url=url)
        await self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    async def look(self, *, width: int, height: int, dark: bool = False) -> None:
        """Size of the window, and the colours the reader prefers."""
        await self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 700,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.command("Emulation.setEmulatedMedia", features=[scheme])

    async def type(self, text: str) -> None:
        """Type into what has the focus."""
        await self.command("Input.insertText", text=text)

    async def press(self, key: str, code: int) -> None:
        """Press and release a key that is not a letter; `code` is its virtual key code."""
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            await self.command(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code=key,
                windowsVirtualKeyCode=code,
                **(text if kind == "keyDown" else {}),
            )

    async def picture(self) -> bytes:
        """What is seen, as a PNG."""
        told = await self.command("Page.captureScreenshot", format="png")
        return base64.b64decode(str(told["data"]))


@asynccontextmanager
async def browsing(profile: Path) -> AsyncIterator[Page]:
    """A page of a fresh browser; the test is skipped where there is none."""
    executable = next(filter(None, map(shutil.which, _NAMES)), None)
    if executable is None:
        pytest.skip("needs Chromium")
    process = await asyncio.create_subprocess_exec(
        executable,
        *_FLAGS,
        f"--user-data-dir={profile}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        address = await _address(profile)
        async with aiohttp.ClientSession() as http, http.ws_connect(address, max_msg_size=0) as ws:
            page = Page(ws)
            for domain in ("Page", "Runtime", "Log"):
                await page.command(f"{domain}.enable")
            yield page
    finally:
        process.terminate()
        await process.wait()


async def _address(profile: Path) -> str:
    """The WebSocket of the browser's first page."""
    port_file = profile / "DevToolsActivePort"
    async with asyncio.timeout(_WITHIN_S), aiohttp.ClientSession() as http:
        while not port_file.exists() or not port_file.read_text():  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.02)
        port = port_file.read_text().splitlines()[0]
        while True:
            async with http.get(f"http://127.0.0.1:{port}/json/list") as response:
                for target in await response.json():
                    if target["type"] == "page":
                        return str(target["webSocketDebuggerUrl"])
            await asyncio.sleep(0.02)
