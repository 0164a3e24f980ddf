"""One connection to a mail server: open it, hand over mails one by one, close it.

Every way in which this can go is a named `Result` with the server's own words.
The end mark (the lone dot after the body) is sent by itself, right after the
caller has committed that it is about to go: a server may not deliver a mail
whose end mark never came (RFC 5321, 4.1.1.10), so everything before it can
safely be repeated.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import aiosmtplib
from pydantic import SecretStr

from homepot_ai.reporting.smtp_envelope import CONTROL, Envelope, Outcome, by_code, envelope
from homepot_ai.store.outbox_rules import Result

if TYPE_CHECKING:
    from homepot_ai.settings import MailSettings

Security = Literal["none", "starttls", "tls"]

_CHUNK = 64 * 1024
_ANSWER_LENGTH = 500
_START_INPUT = 354


@dataclass(frozen=True)
class MailServer:
    """Where mail is handed over, and how.

    Attributes:
        security: "starttls" and "tls" are demands: without them nothing is sent.
        timeout: seconds for connecting, for each command and for each block of the body.
        answer_timeout: seconds for the final answer. RFC 5321 asks for ten minutes: giving up early
            makes mails *unknown* that did arrive.
        sender: envelope sender, with or without a name; None takes each mail's From.
        ca_file: the only certificates to trust, for a company's own authority; None: the system's.
    """

    host: str
    port: int
    security: Security = "none"
    user: str | None = None
    password: SecretStr | None = field(default=None, repr=False)
    timeout: float = 30.0
    answer_timeout: float = 600.0
    sender: str | None = None
    ca_file: Path | None = None

    @classmethod
    def from_settings(cls, mail: MailSettings) -> MailServer:
        """The server that the settings name."""
        return cls(
            host=mail.host,
            port=mail.port,
            security=mail.security,
            user=mail.user,
            password=mail.password,
            timeout=mail.timeout_seconds,
            sender=mail.sender,
        )

    def __str__(self) -> str:
        return f"{self.host}:{self.port} ({self.security})"


class Conversation:
    """A connection that is used for a whole batch. Not for two mails at once."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._smtp: aiosmtplib.SMTP | None = None
        self._complete = False  # the end mark of the current mail may have gone out

    @property
    def is_open(self) -> bool:
        """Whether the next mail can be handed over."""
        return self._smtp is not None and self._smtp.is_connected

    async def open(self) -> Outcome | None:
        """Connect, greet, encrypt and log in as configured.

        Returns:
            None when ready, else what went wrong: unreachable, timed out, TLS failed, login failed.
        """
        await self.close()
        server = self._server
        try:
            context = ssl.create_default_context(cafile=server.ca_file) if server.security != "none" else None
        except OSError as error:
            return self._outcome(
                Result.TLS_FAILED, f"cannot read the certificates in {server.ca_file}: {error}"
            )
        # Our own name is set after connecting: looking it up could take a
        # resolver's timeout on a machine without a network.
        smtp = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            timeout=server.timeout,
            use_tls=server.security == "tls",
            start_tls=False,
            tls_context=context,
            local_hostname="localhost",
        )
        self._smtp = smtp
        try:
            await smtp.connect()
            smtp.local_hostname = _address_literal(smtp.get_transport_info("sockname"))
            await _greet(smtp)
            problem = await self._encrypt(smtp) or await self._log_in(smtp)
        except aiosmtplib.SMTPTimeoutError as error:
            hint = " (does the port expect TLS from the start?)" if server.security != "tls" else ""
            problem = self._outcome(Result.TIMED_OUT, f"{server}: {error}{hint}")
        except (OSError, aiosmtplib.SMTPException) as error:
            tls = isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError)
            problem = self._outcome(
                Result.TLS_FAILED if tls else Result.UNREACHABLE, f"{server}: {_words(error)}"
            )
        if problem is not None:
            await self.close()
        return problem

    async def hand_over(self, recipient: str, payload: bytes, before_end: Callable[[], None]) -> Outcome:
        """Give the server one mail for one recipient.

        Args:
            before_end: called when the body is over and only the end mark is missing. What it raises
                passes through and the mail is not completed.

        Returns:
            SENT; or UNKNOWN: the end mark went out and no answer came back; or anything else: certainly not
            delivered.
        """
        smtp = self._smtp
        assert smtp is not None, "open() first"
        mail = envelope(smtp.esmtp_extensions, self._server.sender, recipient, payload)
        if isinstance(mail, Outcome):
            return mail
        self._complete = False
        try:
            outcome = await self._exchange(smtp, mail, before_end)
        except (aiosmtplib.SMTPSenderRefused, aiosmtplib.SMTPRecipientRefused) as error:
            at = "MAIL" if isinstance(error, aiosmtplib.SMTPSenderRefused) else "RCPT"
            outcome = by_code(error.code, error.message, at=at)
            await self._reset(smtp)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            await self.close()
            if self._complete:
                words = f"the whole mail was handed over, but no answer came back: {_words(error)}"
                outcome = Outcome(Result.UNKNOWN, words)
            elif isinstance(error, ValueError):
                # This very mail trips the library: the others must not wait behind it.
                outcome = Outcome(Result.BROKEN, _words(error))
            else:
                timed_out = isinstance(error, TimeoutError)
                outcome = Outcome(Result.TIMED_OUT if timed_out else Result.LOST, _words(error))
        except BaseException:
            # Cancelled, or the caller's commit failed: the body must stay without its end mark.
            self._abort()
            raise
        return self._outcome(outcome.result, outcome.answer)

    async def _exchange(
        self, smtp: aiosmtplib.SMTP, mail: Envelope, before_end: Callable[[], None]
    ) -> Outcome:
        await smtp.mail(mail.sender, options=mail.options, encoding=mail.encoding)
        await smtp.rcpt(mail.recipient, encoding=mail.encoding)
        started = await smtp.execute_command(b"DATA")
        if started.code != _START_INPUT:
            await self._reset(smtp)
            return by_code(started.code, started.message, at="DATA")
        await self._send_body(smtp, mail.wire)
        before_end()
        # Let the loop notice a connection that broke while we committed: without the end mark the mail
        # is certainly not delivered.
        await asyncio.sleep(0.001)
        if not smtp.is_connected:
            raise aiosmtplib.SMTPServerDisconnected("connection lost before the end of the mail")
        self._complete = True
        answer = await smtp.execute_command(b".", timeout=self._server.answer_timeout)
        return by_code(answer.code, answer.message, at="end of mail")

    async def close(self) -> None:
        """Say goodbye if somebody listens, and close."""
        smtp, self._smtp = self._smtp, None
        if smtp is None:
            return
        try:
            if smtp.is_connected:
                await smtp.quit(timeout=min(self._server.timeout, 5.0))
        except (aiosmtplib.SMTPException, OSError):
            pass  # whatever was handed over has its answer already; a rude goodbye changes nothing
        finally:
            smtp.close()

    def _abort(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            if isinstance(smtp.transport, asyncio.WriteTransport):
                smtp.transport.abort()
            smtp.close()

    async def _encrypt(self, smtp: aiosmtplib.SMTP) -> Outcome | None:
        if self._server.security != "starttls":
            return None
        if not smtp.supports_extension("starttls"):
            return self._outcome(
                Result.TLS_FAILED,
                f"{self._server} does not offer STARTTLS, which is demanded; nothing was sent in the clear",
            )
        try:
            await smtp.starttls()
            await _greet(smtp)
        except (OSError, aiosmtplib.SMTPException) as error:
            return self._outcome(Result.TLS_FAILED, f"{self._server}: STARTTLS: {_words(error)}")
        return None

    async def _log_in(self, smtp: aiosmtplib.SMTP) -> Outcome | None:
        server = self._server
        if server.user is None:
            return None
        if server.password is None:
            return self._outcome(Result.AUTH_FAILED, f"{server}: a user is set but no password")
        if server.security == "none" and not _is_loopback(smtp.get_transport_info("peername")):
            return self._outcome(
                Result.AUTH_FAILED,
                f"{server}: a password is never sent unencrypted over a network; "
                "set mail.security to starttls or tls",
            )
        try:
            await smtp.login(server.user, server.password.get_secret_value())
        except aiosmtplib.SMTPTimeoutError:
            raise
        except aiosmtplib.SMTPServerDisconnected as error:
            return self._outcome(Result.AUTH_FAILED, f"{server}: the server hung up at the login: {error}")
        except UnicodeError:  # its text would quote a part of the password
            return self._outcome(
                Result.AUTH_FAILED, f"{server}: the user or the password has characters that cannot be sent"
            )
        except (aiosmtplib.SMTPException, ValueError) as error:
            return self._outcome(Result.AUTH_FAILED, f"{server}, user {server.user}: {_words(error)}")
        return None

    async def _send_body(self, smtp: aiosmtplib.SMTP, wire: bytes) -> None:
        """Write the body without its end mark, no faster than the server reads it."""
        loop = asyncio.get_running_loop()
        for start in range(0, len(wire), _CHUNK):
            if smtp.protocol is None:
                raise aiosmtplib.SMTPServerDisconnected("connection lost in the middle of the mail")
            smtp.protocol.write(wire[start : start + _CHUNK])
            deadline = loop.time() + self._server.timeout
            while (left := _unsent(smtp)) > 0:
                if loop.time() > deadline:
                    raise aiosmtplib.SMTPTimeoutError(
                        f"the server stopped reading; {left} bytes of a block left"
                    )
                await asyncio.sleep(0.01)

    async def _reset(self, smtp: aiosmtplib.SMTP) -> None:
        """Clear a refused transaction so that the next mail can use the connection; else close it."""
        try:
            if smtp.is_connected:
                await smtp.rset()
        except (aiosmtplib.SMTPException, OSError):
            await self.close()

    def _outcome(self, result: Result, text: str) -> Outcome:
        """One line, of bounded length, and without the password even if the server repeats it."""
        if self._server.password is not None:
            secret = self._server.password.get_secret_value()
            user = self._server.user or ""
            for form in (
                base64.b64encode(f"\0{user}\0{secret}".encode()).decode(),
                base64.b64encode(secret.encode()).decode(),
                secret,
            ):
                if form:
                    text = text.replace(form, "***")
        return Outcome(result, CONTROL.sub(" ", text).strip()[:_ANSWER_LENGTH])


async def _greet(smtp: aiosmtplib.SMTP) -> None:
    try:
        await smtp.ehlo()
    except aiosmtplib.SMTPHeloError:
        await smtp.helo()


def _unsent(smtp: aiosmtplib.SMTP) -> int:
    """Bytes that wait in this process.

    Raises:
        aiosmtplib.SMTPServerDisconnected: there is nobody to send them to any more.
    """
    transport = smtp.transport
    if not smtp.is_connected or not isinstance(transport, asyncio.WriteTransport):
        raise aiosmtplib.SMTPServerDisconnected("connection lost in the middle of the mail")
    return transport.get_write_buffer_size()


def _address_literal(sockname: tuple[object, ...]) -> str:
    """Our address as RFC 5321 wants it in EHLO from a host without a name: `[192.0.2.1]`."""
    address = ip_address(str(sockname[0]).partition("%")[0])
    return f"[IPv6:{address}]" if address.version == 6 else f"[{address}]"


def _is_loopback(peername: tuple[object, ...]) -> bool:
    return ip_address(str(peername[0]).partition("%")[0]).is_loopback


def _words(error: BaseException) -> str:
    """What an error says, the server's code first."""
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"{error.code} {error.message}"
    return str(error) or type(error).__name__
