"""Similar progressions: courses before failures that read like a device's last thirty days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from homepot_ai.errors import RecallError
from homepot_ai.memory import embedder, index
from homepot_ai.store import memory as store
from homepot_ai.store.memory import Pattern

if TYPE_CHECKING:
    from homepot_ai.memory.index import Folder
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Connection

#: Below this two courses have little more in common than being courses.
CUT_OFF = 0.6
SHOWN = 3


@dataclass(frozen=True)
class SimilarCourse:
    """A course before a failure and how alike it is, 0 to 1 (cosine of the texts)."""

    pattern: Pattern
    similarity: float


def similar(
    conn: Connection, folder: Folder, settings: Settings, text: str, before: datetime
) -> list[SimilarCourse]:
    """Courses that ended in a failure before a moment, the most alike first; none without an index or model.

    Args:
        text: `homepot_ai.prediction.courses.text_of` the device.
    """
    try:
        models = embedder.load(settings.memory)
        name = index.in_force(store.index_row(conn, index.DEVICE_PATTERNS), models.name)
        vector = models.encode([text])[0]
        with folder.reading() as opened:
            hits = {hit.id: hit for hit in opened.nearest(name, vector, 20)}
    except RecallError:
        return []
    known = store.patterns(conn, list(hits))
    found = [
        SimilarCourse(pattern, float(vector @ hits[number].vector))
        for number, pattern in known.items()
        if pattern.happened_at < before and pattern.content_hash == hits[number].hash
    ]
    found.sort(key=lambda s: (-s.similarity, s.pattern.id))
    return [one for one in found if one.similarity >= CUT_OFF][:SHOWN]
