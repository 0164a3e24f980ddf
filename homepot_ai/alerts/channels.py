"""One message to one channel by Apprise, and how it ended.

Apprise answers yes or no and writes the reason, with addresses and tokens, to its log. What became of a
message (taken, come back later, wrong token, nobody knows) is therefore read from the HTTP exchange that
its plugin made, and its log stays closed.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

import orjson

from homepot_ai.errors import SettingsError
from homepot_ai.store.outbox_rules import Result
from homepot_ai.text import clean

_TYPES = {"good": "success", "warning": "warning", "critical": "failure", "unknown": "info"}
_LATER = frozenset({408, 425, 429})
_LONGEST_WAIT = timedelta(hours=1)
_local = threading.local()


@dataclass(frozen=True)
class ChannelOutcome:
    """How one attempt ended.

    Attributes:
        answer: for the operator; holds nothing of the channel's address.
        again_after: what the server asked for.
    """

    result: Result
    answer: str
    again_after: timedelta | None = None


@dataclass
class _Exchange:
    status: int | None = None
    reason: str = ""
    body: str = ""
    retry_after: str | None = None
    error: BaseException | None = field(default=None, repr=False)


def check(name: str, url: str) -> str:
    """Look at a channel's address without using it; returns what speaks there, e.g. `Telegram`.

    Raises:
        SettingsError: Apprise does not know it, or it names several targets or none. The address is not
            repeated in the message.
    """
    plugin = _plugin(url)
    if plugin is None:
        raise SettingsError(
            f"the address of the channel {name!r} (alerts.channels.{name}) is none that Apprise knows: "
            "see docs/alerts.md for examples"
        )
    targets = getattr(plugin, "targets", None)
    if len(plugin) != 1 or (isinstance(targets, list | tuple) and not targets and _wants_target(plugin)):
        raise SettingsError(
            f"the channel {name!r} (alerts.channels.{name}) must name exactly one target, such as one "
            "chat or one topic: when one of several fails, the others would get the repetition as well"
        )
    return str(plugin.service_name)


def send(url: str, payload: bytes, *, timeout: float, now: datetime) -> ChannelOutcome:
    """Hand one message over. Takes at most about two and a half times `timeout` seconds.

    Args:
        url: Apprise's; a secret.
        payload: `{"title", "body", "level"}` as JSON.
        now: for a Retry-After that is a date.
    """
    plugin = _plugin(url)
    if plugin is None:
        return ChannelOutcome(Result.NOT_CONFIGURED, "the channel's address is none that Apprise knows")
    plugin.socket_connect_timeout = plugin.socket_read_timeout = timeout
    try:
        message = orjson.loads(payload)
        title, body, level = str(message["title"]), str(message["body"]), str(message["level"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return ChannelOutcome(Result.BROKEN, "the stored message cannot be read")
    exchanges: list[_Exchange] = []
    answer: list[bool] = []

    def run() -> None:
        _local.exchanges = exchanges
        answer.append(_notify(plugin, title, body, level))

    _watch_requests()
    # A server that sends a byte now and then never times out: the thread is left to itself then.
    thread = threading.Thread(target=run, name="alert channel", daemon=True)
    thread.start()
    thread.join(2.5 * timeout)
    if thread.is_alive():
        return ChannelOutcome(Result.UNKNOWN, f"no complete answer within {2.5 * timeout:.0f} s")
    outcome = _judge(bool(answer and answer[0]), exchanges, now)
    return ChannelOutcome(outcome.result, redact(outcome.answer, url), outcome.again_after)


def _notify(plugin: Any, title: str, body: str, level: str) -> bool:
    import apprise

    # Its warnings quote addresses, and so do those of the HTTP library.
    for name in ("apprise", "urllib3.connectionpool", "requests"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    service = apprise.Apprise(asset=plugin.asset)
    service.add(plugin)
    try:
        return bool(
            service.notify(
                body=body,
                title=title,
                notify_type=_TYPES.get(level, "info"),
                body_format=apprise.NotifyFormat.TEXT,
            )
        )
    except Exception:
        # A plugin that stumbles over an answer (no JSON, say) must not take the others along.
        return False


def _plugin(url: str) -> Any:
    import apprise

    asset = apprise.AppriseAsset(
        app_id="HOMEPOT", app_desc="HOMEPOT alerts", app_url="", storage_mode="memory", async_mode=False,
        secure_logging=True,
    )  # fmt: skip
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    try:
        plugin = apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
    except Exception:
        return None
    if plugin is None:
        return None
    plugin.overflow_mode = apprise.OverflowMode.TRUNCATE
    # Pictures would be fetched from the network by whoever reads.
    if hasattr(plugin, "include_image"):
        plugin.include_image = False
    return plugin


def _wants_target(plugin: Any) -> bool:
    return any(key in ("targets",) for key in getattr(plugin, "template_tokens", {}))


@lru_cache(maxsize=1)
def _watch_requests() -> None:
    """Let a thread that asks for it see the exchanges which the HTTP library makes for it."""
    import requests

    original: Callable[..., Any] = requests.Session.send

    def watched(self: Any, request: Any, **options: Any) -> Any:
        seen: list[_Exchange] | None = getattr(_local, "exchanges", None)
        if seen is None:
            return original(self, request, **options)
        try:
            response = original(self, request, **options)
        except requests.RequestException as error:
            seen.append(_Exchange(error=error))
            raise
        body = response.content[:2000].decode("utf-8", "replace")
        retry = response.headers.get("Retry-After")
        seen.append(_Exchange(response.status_code, response.reason or "", body, retry))
        return response

    requests.Session.send = watched  # type: ignore[method-assign]


def _judge(taken: bool, exchanges: list[_Exchange], now: datetime) -> ChannelOutcome:
    if taken:
        status = exchanges[-1].status if exchanges else None
        return ChannelOutcome(Result.SENT, "taken" if status is None else f"HTTP {status}")
    if not exchanges:
        return ChannelOutcome(Result.REFUSED, "Apprise could not make a message of it for this channel")
    last = exchanges[-1]
    if last.error is not None:
        return _judge_error(last.error)
    status = last.status or 0
    said = clean(f"HTTP {status} {last.reason}", 80)
    if detail := _detail(last.body):
        said += f": {detail}"
    if status in _LATER or status >= 500:
        return ChannelOutcome(Result.DEFERRED, said, _retry_after(last, now))
    if status in (401, 403, 404, 410) or status < 400:
        # A token, a chat or a webhook that is not (any more) what the settings say. Nothing is lost by it.
        return ChannelOutcome(Result.AUTH_FAILED, said)
    return ChannelOutcome(Result.TOO_BIG if status == 413 else Result.REFUSED, said)


def _judge_error(error: BaseException) -> ChannelOutcome:
    import requests
    from urllib3.exceptions import NewConnectionError

    def inner(raised: BaseException | None, depth: int = 0) -> bool:
        if raised is None or depth > 6:
            return False
        causes = [a for a in raised.args if isinstance(a, BaseException)]
        causes += [
            c for c in (getattr(raised, "reason", None), raised.__cause__) if isinstance(c, BaseException)
        ]
        return isinstance(raised, NewConnectionError) or any(inner(c, depth + 1) for c in causes)

    if isinstance(error, requests.exceptions.SSLError):
        return ChannelOutcome(Result.TLS_FAILED, "the server's certificate was not accepted, or TLS failed")
    if isinstance(error, requests.ConnectTimeout) or inner(error):
        return ChannelOutcome(Result.UNREACHABLE, "nobody answers there (refused, no such name, or no route)")
    if isinstance(error, requests.ReadTimeout):
        return ChannelOutcome(Result.UNKNOWN, "the request went out, no answer came in time")
    if isinstance(error, requests.ConnectionError | requests.exceptions.ChunkedEncodingError):
        return ChannelOutcome(Result.UNKNOWN, "the request went out, the connection broke before the answer")
    return ChannelOutcome(Result.REFUSED, f"the request could not be made ({type(error).__name__})")


def _retry_after(exchange: _Exchange, now: datetime) -> timedelta | None:
    """What the server asks for: a header with seconds or a date, or Telegram's number in the answer."""
    said = exchange.retry_after
    if said is None:
        match = re.search(r'"retry_after"\s*:\s*(\d{1,6})', exchange.body)
        said = match[1] if match else None
    if said is None:
        return None
    if said.strip().isdigit():
        wait = timedelta(seconds=int(said.strip()[:6]))
    else:
        try:
            wait = parsedate_to_datetime(said) - now
        except (ValueError, TypeError):
            return None
    return min(max(wait, timedelta()), _LONGEST_WAIT)


def _detail(body: str) -> str:
    """The sentence in an answer that says what is wrong."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "" if body.lstrip().startswith("<") or not body.strip() else clean(body, 100)
    if isinstance(answer, dict):
        for name in ("description", "error", "message"):
            if isinstance(answer.get(name), str):
                return clean(answer[name], 100)
    return ""


def redact(text: str, url: str) -> str:
    """A text without any part of a channel's address that could be a secret.

    >>> redact("chat 99887766 not found for 123:AbCdEfGh", "tgram://123:AbCdEfGh/99887766")
    'chat *** not found for 123:***'
    """
    _, _, rest = url.partition("://")
    parts = {part for part in re.split(r"[/:@?&=#,%+]", rest) if len(part) >= 4}
    for part in sorted(parts, key=len, reverse=True):
        text = text.replace(part, "***")
    return text
