"""A scripted Ollama: the real one's HTTP, and whatever may go wrong with it. No model is behind it.

What tests play against, and benchmarks: it answers questions by schema honestly and at a set speed, or
misbehaves on request.

    python -m homepot_ai.testing.ollama_server --behave well --rate 40 --port 11434
    python -m homepot_ai.testing.ollama_server --behave 500 --behave well --port 0
"""

from __future__ import annotations

import argparse
import hashlib
import json
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from homepot_ai.errors import LanguageError
from homepot_ai.testing.ollama_words import answer_for

VERSION = "0.12.6"
#: As the configured models are called, with the sizes that they have.
MODELS = {"phi3.5:3.8b": 2_176_178_843, "llama3.2:3b": 2_019_393_189, "mistral:7b": 4_372_824_384}

#: What it can do wrong, and what a caller sees of it.
BEHAVIOURS = {
    "well": "answers by the schema, honestly, from what the prompt holds",
    "slow": "answers a token a second",
    "hang": "takes the question and says nothing",
    "trickle": "sends a blank now and then, and never comes to an end",
    "garbage": "HTTP 200 with a body that is not JSON",
    "huge": "HTTP 200 with a body that never ends",
    "prose": "answers in prose, whatever the schema says",
    "empty": "answers with nothing",
    "truncated": "stops in the middle of the JSON, done_reason length",
    "wrong_schema": "answers JSON of another shape",
    "invented": "answers with numbers, causes and devices of its own",
    "injected": "does what the data tells it to: all is well, a link, hidden instructions",
    "500": "internal error",
    "503": "too busy",
    "cut": "breaks the connection in the middle of the answer",
    "model_gone": "lists its models and has none of them",
    "prompt_cut": "reads only the end of the prompt, as Ollama does with a small context",
    "no_think": "refuses a question that mentions thinking",
    "schema_needs_think": "ignores a schema unless thinking is left open",
    "only_text": "ignores schema and JSON mode, and thinks aloud before the JSON",
}


@dataclass
class Asked:
    """A request as it came in."""

    path: str
    body: dict[str, Any]


@dataclass
class Script:
    """What the server does; may be changed while it runs.

    Attributes:
        behave: one behaviour for each question in turn; the last one stays.
        rate: tokens a second that it answers with; 0: at once.
        models: installed, name to size in bytes; digests follow from name and `edition`.
        asked: every request so far.
    """

    behave: list[str] = field(default_factory=lambda: ["well"])
    rate: float = 0.0
    models: dict[str, int] = field(default_factory=lambda: dict(MODELS))
    edition: int = 1
    asked: list[Asked] = field(default_factory=list)
    loaded: set[str] = field(default_factory=set)
    #: One question at a time, as with OLLAMA_NUM_PARALLEL=1; most at once tells what came through.
    turn: threading.Lock = field(default_factory=threading.Lock)
    at_once: int = 0
    most_at_once: int = 0

    def next(self) -> str:
        """What to do with this question."""
        return self.behave.pop(0) if len(self.behave) > 1 else self.behave[0]

    def digest(self, name: str) -> str:
        """Of a model: another one after `edition` changed."""
        return hashlib.sha256(f"{name} {self.edition}".encode()).hexdigest()

    def questions(self) -> list[dict[str, Any]]:
        """The chat requests so far."""
        return [one.body for one in self.asked if one.path == "/api/chat"]


class OllamaServer:
    """The server. As a context manager it runs in a thread of its own.

    Args:
        behave: names of :data:`BEHAVIOURS`, one for each question in turn; the last one stays.
        port: 0 takes a free one; `.url` tells which.

    Raises:
        LanguageError: a behaviour is not known, or the port is taken.

    >>> import httpx
    >>> with OllamaServer() as server:
    ...     httpx.get(f"{server.url}/api/version").json()
    {'version': '0.12.6'}
    """

    def __init__(
        self, *behave: str, rate: float = 0.0, host: str = "127.0.0.1", port: int = 0, **script: Any
    ) -> None:
        unknown = sorted(set(behave) - BEHAVIOURS.keys())
        if unknown:
            raise LanguageError(
                f"the scripted server does not know {', '.join(unknown)}; it knows {', '.join(BEHAVIOURS)}"
            )
        self.script = Script(behave=list(behave) or ["well"], rate=rate, **script)
        self._stopping = threading.Event()
        try:
            self._http = ThreadingHTTPServer((host, port), _handler(self.script, self._stopping))
        except OSError as error:
            raise LanguageError(f"port {port} on {host} cannot be listened on: {error}") from error
        self._http.daemon_threads = True
        self.url = f"http://{host}:{self._http.server_address[1]}"
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._http.shutdown()
        self._http.server_close()

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT."""
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        with self:
            stop.wait()


class _Cut(Exception):
    """The caller has gone, or the script says to break the connection."""


def _handler(script: Script, stopping: threading.Event) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            script.asked.append(Asked(self.path, {}))
            if self.path == "/api/version":
                self.say(200, {"version": VERSION})
            elif self.path in ("/api/tags", "/api/ps"):
                names = script.models if self.path == "/api/tags" else script.loaded & script.models.keys()
                self.say(200, {"models": [_listed(script, name) for name in names]})
            else:
                self.say(404, {"error": "404 page not found"})

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = json.loads(raw or b"{}")
            script.asked.append(Asked(self.path, body))
            name = str(body.get("model", ""))
            if name not in script.models:
                self.say(404, {"error": f"model '{name}' not found"})
            elif self.path == "/api/show":
                self.say(200, {"details": _details(), "capabilities": ["completion"]})
            elif self.path == "/api/generate" and not body.get("prompt"):
                script.loaded.add(name)
                self.say(200, _ending(name) | {"response": "", "done_reason": "load"})
            elif self.path in ("/api/chat", "/api/generate"):
                try:
                    self.converse(name, body)
                except (_Cut, OSError):
                    self.close_connection = True
            else:
                self.say(404, {"error": "404 page not found"})

        def converse(self, name: str, body: dict[str, Any]) -> None:
            with script.turn:
                script.at_once += 1
                script.most_at_once = max(script.most_at_once, script.at_once)
            try:
                script.loaded.add(name)
                self.misbehave(name, body, script.next())
            finally:
                with script.turn:
                    script.at_once -= 1

        def misbehave(self, name: str, body: dict[str, Any], how: str) -> None:
            if how in ("500", "503"):
                self.say(
                    int(how), {"error": "llama runner process has terminated" if how == "500" else "busy"}
                )
            elif how == "model_gone":
                self.say(404, {"error": f"model '{name}' not found"})
            elif how == "no_think" and "think" in body:
                self.say(400, {"error": f'"{name}" does not support thinking'})
            elif how == "hang":
                self.wait(3600.0)
            elif how in ("trickle", "huge"):
                self.flood(b" " if how == "trickle" else b" " * 65536, 0.05 if how == "trickle" else 0.0)
            elif how == "garbage":
                self.send(200, b"<html>502 Bad Gateway, says a proxy that nobody knows of</html>")
            else:
                said = self.think(body, how)
                rate = 1.0 if how == "slow" else script.rate
                if rate:
                    self.wait(said["eval_count"] / rate)
                if how == "cut":
                    self.send(200, json.dumps(said).encode()[:40], announce=4000)
                    raise _Cut
                self.say(200, said | {"model": name})

        def think(self, body: dict[str, Any], how: str) -> dict[str, Any]:
            messages = body.get("messages") or [{"role": "user", "content": body.get("prompt", "")}]
            text = "\n".join(str(message["content"]) for message in messages)
            form = body.get("format")
            read = text[len(text) * 2 // 3 :] if how == "prompt_cut" else text
            if how == "only_text" or (how == "schema_needs_think" and "think" in body):
                form = None
            words = answer_for(read, form if isinstance(form, Mapping) else None, how)
            if how == "only_text":
                words = "<think>Let me see, {curly} braces.</think>Here you are:\n" + answer_for(
                    text, None, how
                )
            elif form is None and how == "schema_needs_think":
                words = "Of course! The fleet is fine."
            ending = _ending(str(body.get("model")))
            if how == "truncated":
                words, ending["done_reason"] = words[: len(words) // 2], "length"
            counts = {"prompt_eval_count": max(1, len(read) // 4), "eval_count": max(1, len(words) // 4)}
            if how == "prompt_cut":
                counts["prompt_eval_count"] = max(1, len(text) // 40)
            message = {"role": "assistant", "content": words}
            return ending | counts | ({"message": message} if "messages" in body else {"response": words})

        def flood(self, part: bytes, pause: float) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(1 << 40))
            self.end_headers()
            while not stopping.is_set():
                self.wfile.write(part)
                self.wait(pause)

        def wait(self, seconds: float) -> None:
            """As long as it takes, unless the caller hangs up: then Ollama stops generating, and so do we."""
            end = time.monotonic() + seconds
            while (left := end - time.monotonic()) > 0:
                if stopping.wait(min(left, 0.02)) or self.left():
                    raise _Cut

        def left(self) -> bool:
            readable, _, _ = select.select([self.connection], [], [], 0)
            return bool(readable) and self.connection.recv(1, socket.MSG_PEEK) == b""

        def say(self, status: int, answer: Mapping[str, Any]) -> None:
            self.send(status, json.dumps(answer).encode())

        def send(self, status: int, content: bytes, announce: int | None = None) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(announce or len(content)))
            self.end_headers()
            self.wfile.write(content)
            self.wfile.flush()

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def _details() -> dict[str, Any]:
    return {"format": "gguf", "family": "llama", "parameter_size": "3.2B", "quantization_level": "Q4_K_M"}


def _listed(script: Script, name: str) -> dict[str, Any]:
    moment = "2026-11-01T08:00:00Z"
    size = script.models[name]
    told = {"name": name, "model": name, "size": size, "digest": script.digest(name), "details": _details()}
    return told | {"modified_at": moment, "expires_at": moment, "size_vram": 0}


def _ending(name: str) -> dict[str, Any]:
    return {"model": name, "created_at": "2026-11-01T08:00:00Z", "done": True, "done_reason": "stop"}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="ollama_server", description="A scripted Ollama server.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=11434, help="0 takes a free one")
    parser.add_argument("--rate", type=float, default=0.0, help="tokens a second; 0: at once")
    parser.add_argument(
        "--behave",
        action="append",
        default=[],
        metavar="HOW",
        help=f"for each question in turn, the last one stays: {', '.join(BEHAVIOURS)}",
    )
    options = parser.parse_args(arguments)
    try:
        server = OllamaServer(*options.behave, rate=options.rate, host=options.host, port=options.port)
    except LanguageError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"scripted Ollama on {server.url}, behaves {server.script.behave}", flush=True)
    server.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
