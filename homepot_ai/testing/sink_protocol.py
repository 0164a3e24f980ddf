"""The mail sink's side of one SMTP conversation, misbehaving where it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from homepot_ai.testing.chaos import Chaos

if TYPE_CHECKING:
    from homepot_ai.testing.mail_sink import MailSink

_POLL_S = 0.02


class _Handler:
    """aiosmtpd calls these; what they return is the answer."""

    def __init__(self, sink: MailSink) -> None:
        self._sink = sink

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if (reply := await _strike(self._sink, server, "mail", [])) is not None:
            return reply
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if (reply := await _strike(self._sink, server, "rcpt", [address])) is not None:
            return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if (reply := await _strike(self._sink, server, "store", envelope.rcpt_tos)) is not None:
            return reply
        path = self._sink.store(envelope)
        if (reply := await _strike(self._sink, server, "answer", envelope.rcpt_tos)) is not None:
            return reply
        return f"250 2.0.0 stored as {path.name}"


class SinkSMTP(SMTP):
    """One connection to the sink."""

    def __init__(self, sink: MailSink, **options: Any) -> None:
        super().__init__(_Handler(sink), **options)
        self._sink = sink
        self._peer: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self._peer is None:  # a second time after STARTTLS
            self._peer = transport
            self._sink.note_connection(transport, lost=False)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self._peer is not None:
            self._sink.note_connection(self._peer, lost=True)
        super().connection_lost(error)

    async def smtp_DATA(self, arg: str) -> None:
        recipients = list(self.envelope.rcpt_tos) if self.envelope is not None else []
        if (reply := await _strike(self._sink, self, "data", recipients)) is not None:
            await self.push(reply)
            return
        reader: Any = self._reader
        interrupted: Any = _Interrupted(reader, lambda: _strike(self._sink, self, "body", recipients))
        self._reader = interrupted
        try:
            await super().smtp_DATA(arg)
        finally:
            self._reader = reader


class _Interrupted:
    """A reader that does something else after its first line."""

    def __init__(self, reader: asyncio.StreamReader, interrupt: Callable[[], Awaitable[object]]) -> None:
        self._reader = reader
        self._interrupt: Callable[[], Awaitable[object]] | None = interrupt

    async def readuntil(self, separator: bytes = b"\n") -> bytes:
        line = await self._reader.readuntil(separator)
        if self._interrupt is not None:
            interrupt, self._interrupt = self._interrupt, None
            await interrupt()
        return line

    async def read(self, count: int = -1) -> bytes:
        return await self._reader.read(count)


class TurnedAway(asyncio.Protocol):
    """Instead of a greeting: a refusal, nothing at all, or a closed door."""

    def __init__(self, chaos: Chaos) -> None:
        self._chaos = chaos

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        if self._chaos.action == "slow":
            asyncio.get_running_loop().call_later(self._chaos.seconds, transport.abort)
            return
        if self._chaos.action == "reply":
            transport.write(f"{self._chaos.reply}\r\n".encode())
        transport.close()


async def _strike(sink: MailSink, server: SMTP, stage: str, recipients: list[str]) -> str | None:
    """Misbehave if it is time to; returns the answer to give, or None to go on as if nothing were."""
    chaos = sink.striking(stage, recipients)
    if chaos is None:
        return None
    if chaos.action == "reply":
        return chaos.reply
    if chaos.action == "drop":
        assert isinstance(server.transport, asyncio.WriteTransport)
        server.transport.abort()
        await asyncio.Event().wait()  # cancelled as soon as the connection is gone
    loop = asyncio.get_running_loop()
    deadline = loop.time() + chaos.seconds
    while loop.time() < deadline and not (chaos.release is not None and chaos.release.exists()):
        await asyncio.sleep(_POLL_S)
    return None
