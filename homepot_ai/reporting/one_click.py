"""Links by which one unsubscribes with one click (RFC 8058): signed, so that nobody unsubscribes another."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

import orjson

from homepot_ai.errors import AccessError

if TYPE_CHECKING:
    from homepot_ai.settings import Settings

PATH = "/api/ai/unsubscribe"
_PURPOSE = b"homepot-ai unsubscribe 1:"


@dataclass(frozen=True)
class Leaving:
    """Who wants no more of which series (`daily-site1`, `alert`)."""

    email: str
    series: str


def link(settings: Settings, leaving: Leaving) -> str | None:
    """The address to post to; None where no public address or no secret is set.

    The same for the same recipient and series: a mail made again has the same bytes.
    """
    base, secret = settings.api.public_url.rstrip("/"), settings.api.link_secret
    if not base or secret is None:
        return None
    return f"{base}{PATH}?token={quote(sign(leaving, secret.get_secret_value()))}"


def sign(leaving: Leaving, secret: str) -> str:
    """A token that only whoever knows the secret can make.

    >>> read(sign(Leaving("ann@example.org", "daily-site1"), "s"), "s").series
    'daily-site1'
    """
    payload = _b64(orjson.dumps([leaving.email.strip().casefold(), leaving.series]))
    return f"{payload}.{_b64(_mac(payload, secret))}"


def read(token: str, secret: str) -> Leaving:
    """What a token says.

    Raises:
        AccessError: it was not made here, or was changed.
    """
    payload, _, mac = token.partition(".")
    wrong = AccessError("this link was not made here, or was cut off on its way: write to the sender instead")
    try:
        if not hmac.compare_digest(_unb64(mac), _mac(payload, secret)):
            raise wrong
        email, series = orjson.loads(_unb64(payload))
    except ValueError as error:
        raise wrong from error
    return Leaving(str(email), str(series))


def _mac(payload: str, secret: str) -> bytes:
    return hmac.new(secret.encode(), _PURPOSE + payload.encode("utf-8", "replace"), hashlib.sha256).digest()


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
