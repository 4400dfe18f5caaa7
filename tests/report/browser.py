"""A page in headless Chromium, driven by its DevTools protocol through the websockets of aiohttp, which gcsfs needs."""

import asyncio
import base64
import contextlib
import pathlib
import shutil
import subprocess
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-port=0"),
)
_SECONDS = 60


def needed() -> str:
    """The browser's path; the test is skipped where there is none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    return found or pytest.skip("needs Chromium: apt-get install chromium")


class Page:
    """An open page; `said` are its console messages, exceptions and errors, `asked` the addresses it asked for."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse):
        self._socket, self._count = socket, 0
        self.said: list[str] = []
        self.asked: list[str] = []

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """A command of the protocol, and its result."""
        self._count += 1
        await self._socket.send_json({"id": self._count, "method": method, "params": params})
        return await self._until(lambda message: message.get("id") == self._count)

    async def run(self, script: str) -> Any:
        """The value of an expression in the page; a promise is waited for."""
        options = {"returnByValue": True, "awaitPromise": True}
        found = await self.call("Runtime.evaluate", expression=script, **options)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    async def open(self, path: pathlib.Path) -> None:
        """Opens a file, and waits until it is loaded."""
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self.call(f"{domain}.enable")
        await self.call("Page.navigate", url=path.resolve().as_uri())
        await self._until(lambda message: message.get("method") == "Page.loadEventFired")

    async def look(self, width: int, dark: bool = False, height: int = 900) -> None:
        """Sets the size of the window, and light or dark."""
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[scheme])

    async def key(self, key: str) -> None:
        """Presses a key."""
        for kind in ("keyDown", "keyUp"):
            await self.call("Input.dispatchKeyEvent", type=kind, key=key)

    async def drag(self, selector: str, right: int) -> None:
        """Drags from the middle of an element to the right."""
        x, y = await self.run(
            f"(box => [box.x + box.width / 2, box.y + box.height / 2])"
            f"(document.querySelector({selector!r}).getBoundingClientRect())"
        )
        for kind, to in (("mousePressed", x), ("mouseMoved", x + right), ("mouseReleased", x + right)):
            button = {"button": "left", "buttons": 1, "clickCount": 1}
            await self.call("Input.dispatchMouseEvent", type=kind, x=to, y=y, **button)

    async def picture(self, selector: str = "") -> bytes:
        """A PNG of what is in sight, or of the first element that a selector finds."""
        options: dict[str, Any] = {}
        if selector:
            box = await self.run(
                f"(() => {{const box = document.querySelector({selector!r}).getBoundingClientRect();"
                "return {x: box.x + scrollX, y: box.y + scrollY, width: box.width, height: box.height, scale: 1}})()"
            )
            options = {"clip": box, "captureBeyondViewport": True}
        return base64.b64decode((await self.call("Page.captureScreenshot", **options))["data"])

    async def _until(self, is_it: Any) -> dict[str, Any]:
        while True:
            message = await self._socket.receive_json(timeout=_SECONDS)
            method, params = message.get("method"), message.get("params", {})
            if method in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"):
                self.said.append(str(params))
            if method == "Network.requestWillBeSent":
                self.asked.append(params["request"]["url"])
            if is_it(message):
                assert "error" not in message, message
                return dict(message.get("result", {}))


@contextlib.asynccontextmanager
async def opened(path: pathlib.Path, profile: pathlib.Path) -> AsyncIterator[Page]:
    """A file in a browser of its own, which keeps what it keeps in the directory `profile`."""
    command = [needed(), *_FLAGS, f"--user-data-dir={profile}", "about:blank"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as browser:
        try:
            port = await _port(profile / "DevToolsActivePort", browser)
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                    (target,) = [one for one in await answer.json() if one["type"] == "page"]
                async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                    page = Page(socket)
                    await page.open(path)
                    yield page
        finally:
            browser.kill()


async def _port(path: pathlib.Path, browser: subprocess.Popen[bytes]) -> str:
    end = time.monotonic() + _SECONDS
    while not (path.exists() and path.read_text().strip()):
        assert browser.poll() is None and time.monotonic() < end, "Chromium does not start"
        await asyncio.sleep(0.1)
    return path.read_text().split()[0]
