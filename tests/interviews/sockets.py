"""A browser's end of a socket, in ASGI's own messages: Channels' test client wants a server that we do not use."""

import json
from typing import Any

from asgiref.testing import ApplicationCommunicator
from channels.routing import URLRouter

import emotion.urls
import interviews.urls
import reports.urls

application = URLRouter(
    [*interviews.urls.socket_patterns, *emotion.urls.socket_patterns, *reports.urls.socket_patterns]
)
PATIENCE = 5  # seconds


class Socket(ApplicationCommunicator):
    def __init__(self, user: Any, path: str):
        scope = {
            "type": "websocket",
            "path": path,
            "query_string": b"",
            "headers": [],
            "subprotocols": [],
            "user": user,
        }
        super().__init__(application, scope)

    async def open(self) -> dict[str, Any]:
        """What the server answers: accept or close."""
        await self.send_input({"type": "websocket.connect"})
        return await self.receive_output(PATIENCE)

    async def hear(self) -> Any:
        message = await self.receive_output(PATIENCE)
        assert message["type"] == "websocket.send", message
        return json.loads(message["text"])

    async def say(self, text: str) -> dict[str, Any]:
        await self.send_input({"type": "websocket.receive", "text": text})
        return await self.receive_output(PATIENCE)

    async def leave(self) -> None:
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait(PATIENCE)
