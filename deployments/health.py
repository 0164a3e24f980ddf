"""The state of the supervisor's parts over HTTP, on loopback: `curl -s localhost:4280/health`.

200 while every part runs, 503 while one does not, so that a watcher of the machine needs no more than
the status. It answers GET only, knows no secrets and is bound to 127.0.0.1 whatever is configured.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Part:
    """One child process, as an operator asks for it.

    Attributes:
        seconds: since it was started.
        restarts: how often it died and was started again.
        last_exit: the code that it ended with the last time; negative: the signal.
    """

    name: str
    state: Literal["running", "does not answer", "waits to start again", "stopped"]
    pid: int | None
    seconds: float
    restarts: int
    last_exit: int | None
    log: str


@dataclass(frozen=True)
class State:
    """The whole: `ok` when it is up and every part runs."""

    state: Literal["starting", "ok", "degraded", "stopping"]
    since: str
    parts: tuple[Part, ...]


class Endpoint:
    """Serves the state until closed.

    Args:
        state: called for each question, in a thread of its own.
        port: 0, or one that is taken: any free one.
    """

    def __init__(self, state: Callable[[], State], port: int) -> None:
        handler = _handler(state)
        try:
            self._server = _Server((HOST, port), handler)
        except OSError:
            self._server = _Server((HOST, 0), handler)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.5}, daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{HOST}:{self.port}/health"

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True


def _handler(state: Callable[[], State]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        # Who connects and says nothing must not keep a thread for ever.
        timeout = 10
        server_version, sys_version = "homepot-ai", ""

        def do_GET(self) -> None:
            if self.path.rstrip("/") not in {"", "/health"}:
                self.send_error(404, "ask for /health")
                return
            now = state()
            body = json.dumps(asdict(now)).encode()
            self.send_response(200 if now.state == "ok" else 503)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: it is asked every few seconds."""

    return Handler
