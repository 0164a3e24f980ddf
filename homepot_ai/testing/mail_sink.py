"""A mail server that keeps every mail as a file and delivers none: `var/mail/000001.eml`, `000002.eml`, …

The demo's mail server, and the tests' one: it speaks real SMTP over a socket,
with TLS, login and size limit if asked, and misbehaves on request (`chaos`).

    python -m homepot_ai.testing.mail_sink --port 8025 --dir var/mail
    python -m homepot_ai.testing.mail_sink --port 8025 --dir var/mail --chaos 4xx:times=3
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import os
import re
import signal
import ssl
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from homepot_ai.errors import MailError
from homepot_ai.testing.chaos import MODES, Chaos, parse
from homepot_ai.testing.sink_protocol import SinkSMTP, TurnedAway

_NAME = re.compile(r"(\d{6,})\.eml")
SIZE_LIMIT = 32 * 1024 * 1024


class MailSink:
    """The server. As a context manager it runs in a thread of its own.

    Args:
        port: 0 takes a free one; `.port` tells which.
        chaos: what to do wrong; the list may be changed while it runs.
        tls: certificate for STARTTLS, or for TLS from the start with `implicit_tls`.
        login: (user, password) that is demanded.
        receive_buffer: bytes the kernel takes before the sender feels that nobody reads.

    >>> with MailSink(tmp_path) as sink:                                 # doctest: +SKIP
    ...     send_something_to("127.0.0.1", sink.port)
    """

    def __init__(
        self,
        directory: Path,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        chaos: Sequence[Chaos] = (),
        size_limit: int = SIZE_LIMIT,
        tls: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
        login: tuple[str, str] | None = None,
        receive_buffer: int | None = None,
    ) -> None:
        self.directory = directory
        self.host = host
        self.port = port
        self.chaos = list(chaos)
        self.connections = 0
        self._size_limit = size_limit
        self._tls = tls
        self._implicit_tls = implicit_tls
        self._login = login
        self._receive_buffer = receive_buffer
        self._open: set[asyncio.BaseTransport] = set()
        self._thread: threading.Thread | None = None
        self._stop: Callable[[], None] = lambda: None

    async def serve(self) -> asyncio.Server:
        """Start listening in the running loop.

        Raises:
            MailError: the port is taken or the folder cannot be written.
        """
        loop = asyncio.get_running_loop()
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            server = await loop.create_server(
                self._protocol,
                self.host,
                self.port,
                ssl=self._tls if self._implicit_tls else None,
            )
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise MailError(
                    f"port {self.port} on {self.host} is taken, so the mail sink cannot start: stop what "
                    "listens there or choose another port (setting demo.mail_port)"
                ) from error
            raise MailError(f"the mail sink cannot start in {self.directory}: {error}") from error
        if self._receive_buffer is not None:
            import socket

            for listening in server.sockets:
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer)
        self.port = server.sockets[0].getsockname()[1]
        return server

    def __enter__(self) -> Self:
        ready = threading.Event()
        failure: list[MailError] = []

        async def main() -> None:
            try:
                server = await self.serve()
            except MailError as error:
                failure.append(error)
                ready.set()
                return
            loop, done = asyncio.get_running_loop(), asyncio.Event()

            def stop() -> None:
                loop.call_soon_threadsafe(done.set)

            self._stop = stop
            ready.set()
            await done.wait()
            self.hang_up(server)

        self._thread = threading.Thread(target=asyncio.run, args=(main(),), daemon=True)
        self._thread.start()
        ready.wait()
        if failure:
            raise failure[0]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
        if self._thread is not None:
            self._thread.join(10)

    def hang_up(self, server: asyncio.Server) -> None:
        """Stop listening and cut every connection."""
        server.close()
        for transport in list(self._open):
            if isinstance(transport, asyncio.WriteTransport):
                transport.abort()

    def store(self, envelope: Envelope) -> Path:
        """Write a mail under the next number; it appears complete or not at all."""
        numbers = [
            int(match[1]) for path in self.directory.iterdir() if (match := _NAME.fullmatch(path.name))
        ]
        path = self.directory / f"{max(numbers, default=0) + 1:06d}.eml"
        part = path.with_suffix(".part")
        content = envelope.original_content or b""
        # What a delivering server adds: the envelope, which the mail itself does not hold.
        trace = f"Return-Path: <{envelope.mail_from}>\r\n" + "".join(
            f"Delivered-To: {recipient}\r\n" for recipient in envelope.rcpt_tos
        )
        with part.open("wb") as file:
            file.write(trace.encode() + content)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
        return path

    def striking(self, stage: str, recipients: list[str]) -> Chaos | None:
        """The misbehaviour whose moment this is."""
        return next((chaos for chaos in self.chaos if chaos.strikes(stage, recipients)), None)

    def note_connection(self, transport: asyncio.BaseTransport, *, lost: bool) -> None:
        """Keep count of who is connected."""
        if lost:
            self._open.discard(transport)
        else:
            self.connections += 1
            self._open.add(transport)

    def _protocol(self) -> asyncio.BaseProtocol:
        chaos = self.striking("connect", [])
        if chaos is not None:
            return TurnedAway(chaos)
        return SinkSMTP(
            self,
            hostname="mail-sink.localhost",
            ident="HOMEPOT AI mail sink, delivers nothing",
            data_size_limit=self._size_limit,
            enable_SMTPUTF8=True,
            tls_context=None if self._implicit_tls else self._tls,
            auth_required=self._login is not None,
            auth_require_tls=False,
            authenticator=self._authenticate,
        )

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        if self._login is None or not isinstance(data, LoginPassword):
            return AuthResult(success=False, handled=False)
        return AuthResult(success=(data.login.decode(), data.password.decode()) == self._login, handled=False)


def run(host: str, port: int, directory: Path, *, chaos: Sequence[Chaos] = ()) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        MailError: the port is taken or the folder cannot be written.
    """

    async def main() -> None:
        sink = MailSink(directory, host=host, port=port, chaos=chaos)
        server = await sink.serve()
        done = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, done.set)
        print(f"mail sink on {host}:{sink.port}, mails in {directory}", flush=True)
        await done.wait()
        sink.hang_up(server)

    asyncio.run(main())


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="mail_sink", description="Keep every mail as a file, deliver none.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8025, help="0 takes a free one")
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument(
        "--chaos",
        action="append",
        default=[],
        type=parse,
        metavar="MODE[:k=v,…]",
        help=f"one of {', '.join(MODES)}",
    )
    options = parser.parse_args(arguments)
    try:
        run(options.host, options.port, options.dir, chaos=options.chaos)
    except MailError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
