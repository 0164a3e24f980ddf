"""Local HTTP servers that speak as Telegram, Slack, ntfy and a webhook do, and misbehave on request."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

CHATS = {"4242"}


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class ChannelServer:
    """What it got, and what it does wrong: `status` with `headers`, or a `mode`."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    #: hang: no answer; drip: a byte now and then; cut: the line breaks after the request.
    mode: str = ""
    signal: Path | None = None

    def answer(self, path: str, body: Any) -> tuple[int, bytes]:
        """As the real service answers."""
        if path.startswith("/bot"):  # Telegram
            if str(body.get("chat_id")) not in CHATS:
                return 400, b'{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}'
            return 200, json.dumps({"ok": True, "result": {"message_id": len(self.received)}}).encode()
        if path.startswith("/services/"):  # Slack's incoming webhook
            return (200, b"ok") if body.get("text") or body.get("attachments") else (400, b"no_text")
        if "topic" in body:  # ntfy takes JSON at its root
            return 200, json.dumps({"id": "x", "event": "message", "topic": body["topic"]}).encode()
        return 200, b"{}"


def _handler(server: ChannelServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            try:
                body = json.loads(raw)
            except ValueError:
                body = {"raw": raw.decode("utf-8", "replace")}
            server.received.append(Received(self.path, dict(self.headers), body))
            if server.signal is not None:
                server.signal.touch()
            self.close_connection = True
            if server.mode == "hang":
                time.sleep(30)
                return
            if server.mode == "cut":
                return
            if server.mode == "drip":
                self.wfile.write(b"HTTP/1.1 200 OK\r\n")
                for _ in range(60):
                    time.sleep(0.2)
                    try:
                        self.wfile.write(b"X-Slow: 1\r\n")
                        self.wfile.flush()
                    except OSError:
                        return
                return
            status, answer = server.answer(self.path, body)
            if server.status is not None:
                status, answer = (
                    server.status,
                    json.dumps({"description": f"status {server.status}"}).encode(),
                )
            self.send_response(status)
            for name, value in {"Content-Length": str(len(answer)), **server.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@contextmanager
def channel_server() -> Iterator[ChannelServer]:
    """A server on a free port of the loopback."""
    state = ChannelServer()
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), _handler(state))
    httpd.daemon_threads = True
    state.port = httpd.server_address[1]
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        httpd.shutdown()
        httpd.server_close()
