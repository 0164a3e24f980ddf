"""What the last thirty days of a device were like before: failures that were preceded by the same course.

Memory and predictions do not know each other; this is where both are asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from homepot_ai.memory import courses as remembered
from homepot_ai.memory.index import Folder
from homepot_ai.prediction import courses
from homepot_ai.store import courses as store
from homepot_ai.text import clean

if TYPE_CHECKING:
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Connection


def similar(
    conn: Connection, settings: Settings, devices: Sequence[int], now: datetime
) -> dict[int, tuple[str, ...]]:
    """Of each device, in a sentence each, the failures whose thirty days before were like its own now.

    Empty, without loading a model, while memory holds no course.
    """
    if not devices or not store.any_kept(conn):
        return {}
    found = {}
    for device in devices:
        text = courses.text_of(conn, device, now)
        alike = remembered.similar(conn, Folder.of(settings), settings, text, now)
        told = [_sentence(one) for one in alike if one.pattern.device_id is not None]
        if told:
            found[device] = tuple(told)
    return found


def _sentence(one: remembered.SimilarCourse) -> str:
    end = one.pattern.description.rpartition("Then it failed")[2].strip(" :.")
    said = (
        f"device {one.pattern.device_id} was like that before it failed on {one.pattern.happened_at:%d %b %Y}"
    )
    said += f" ({clean(end, 80)})" if end else ""
    said += f"; what helped: {clean(one.pattern.resolution, 160)}" if one.pattern.resolution else ""
    return f"{said}; similarity {one.similarity:.2f}"
