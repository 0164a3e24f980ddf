"""From risks to something that happens: episodes, visits, and what of them people are told.

The hourly run calls `act_on` with every device's risk. Killed anywhere, nothing of the run is kept, and the
next one does it; called twice with the same risks, the second time changes nothing. The mails are made by
`homepot_ai.alerts.foretold.tell`, which takes up every episode that nobody was told of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from homepot_ai.prediction.records import DeviceRisk

if TYPE_CHECKING:
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Database


@dataclass(frozen=True)
class Acted:
    """What one run did.

    Attributes:
        raised, worsened, ended: episodes, by number.
        proposed, moved, lapsed: visits, by number.
        notes: what the operator should know, e.g. that no slot was found.
    """

    raised: tuple[int, ...] = ()
    worsened: tuple[int, ...] = ()
    ended: tuple[int, ...] = ()
    proposed: tuple[int, ...] = ()
    moved: tuple[int, ...] = ()
    lapsed: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


def act_on(db: Database, settings: Settings, risks: Sequence[DeviceRisk], now: datetime) -> Acted:
    """Raise, continue and end episodes; propose, move and lapse visits; one transaction.

    Args:
        risks: of every device that was judged in this run.
    """
    raise NotImplementedError
