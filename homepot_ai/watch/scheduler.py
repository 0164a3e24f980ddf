"""The Prefect server, looked at from beside it.

`check-services` is a run of that server, and so is the sender of mails: while it is away neither can tell.
The supervisor asks here, and where units of systemd run it, a timer does.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from homepot_ai.watch import alarms, remote, service

if TYPE_CHECKING:
    from homepot_ai.settings import Settings
    from homepot_ai.store.checks import ServiceCheck

PAUSE_S = 5.0


def tell_if_away(settings: Settings, *, patience_s: float) -> ServiceCheck:
    """Ask whether it answers; if not for so many seconds, tell who is on call, from this machine.

    The next `check-services` takes the alarm over, and tells that it is over as well.

    >>> tell_if_away(settings, patience_s=60).state                                      # doctest: +SKIP
    'ok'
    """
    deadline = time.monotonic() + patience_s
    while (seen := remote.prefect_server(settings)).state != "ok" and time.monotonic() < deadline:
        time.sleep(PAUSE_S)
    now = datetime.now(UTC)
    # Not through the database, though it may well be there: nobody would empty its outboxes.
    service.act(None, settings, service.verdicts([seen], {}, [], now), now)
    alarms.send_spooled(settings, now=now)
    return seen
