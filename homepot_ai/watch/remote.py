"""What others hold: the scheduler's server, the mail server's certificate, who waits for our sign of life."""

from __future__ import annotations

import smtplib
import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from homepot_ai.store.checks import ServiceCheck, State
from homepot_ai.text import clean
from homepot_ai.watch.letter import lasted

if TYPE_CHECKING:
    from homepot_ai.settings import Settings

PREFECT_S, TLS_S, PING_S = 5.0, 8.0, 5.0


def prefect_server(settings: Settings) -> ServiceCheck:
    """Whether the scheduler's server answers."""
    import httpx

    url = settings.prefect.api_url
    try:
        answer = httpx.get(f"{url}/health", timeout=PREFECT_S, trust_env=False)
    except httpx.HTTPError as error:
        start = "`systemctl start homepot-ai.target` or, without units, `homepot-ai up` starts it"
        said = f"{url} does not answer ({type(error).__name__}): {start}"
        return ServiceCheck("prefect server", "down", said)
    good = answer.status_code == httpx.codes.OK
    return ServiceCheck("prefect server", "ok" if good else "degraded", f"{url} answers {answer.status_code}")


def certificate(settings: Settings, now: datetime) -> list[ServiceCheck]:
    """How long the mail server's certificate is valid; nothing where mail is not encrypted."""
    mail = settings.mail
    if mail.security == "none":
        return []
    context = ssl.create_default_context(cafile=None if mail.ca_file is None else str(mail.ca_file))
    where = f"{mail.host}:{mail.port}"
    try:
        if mail.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(mail.host, mail.port, timeout=TLS_S, context=context)
        else:
            server = smtplib.SMTP(mail.host, mail.port, timeout=TLS_S)
        with server:
            if mail.security == "starttls":
                server.starttls(context=context)
            found = server.sock.getpeercert() if isinstance(server.sock, ssl.SSLSocket) else None
    except ssl.SSLError as error:
        said = f"{where}: {clean(getattr(error, 'verify_message', '') or str(error), 120)}"
        return [ServiceCheck("certificate", "down", said)]
    except (OSError, smtplib.SMTPException):
        return []  # that it does not answer is said by the check of mail
    ends = dict(found or {}).get("notAfter")
    if not isinstance(ends, str):
        return [ServiceCheck("certificate", "degraded", f"{where} shows none")]
    left = datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC) - now
    state: State = "degraded" if left < timedelta(days=settings.watch.expiry_days) else "ok"
    return [ServiceCheck("certificate", state, f"{where}: valid for {lasted(left)}")]


def ping(url: str) -> list[ServiceCheck]:
    """Tell whoever waits there that we live; nothing where nobody does.

    What is told of a failure names the host only: the rest of the address is a secret.
    """
    import httpx

    if not url:
        return []
    host = urlsplit(url).hostname or "?"
    try:
        # Bounded as a whole by whoever calls; a redirect is not followed to places that nobody named.
        answer = httpx.get(url, timeout=PING_S, follow_redirects=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return [ServiceCheck("ping", "degraded", f"{host} does not answer ({type(error).__name__})")]
    good = answer.is_success
    return [ServiceCheck("ping", "ok" if good else "degraded", f"{host} answers {answer.status_code}")]
