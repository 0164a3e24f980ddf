"""A report as a tagged PDF (PDF/UA), rendered in a process of its own; see :mod:`.render_pool`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson

TIMEOUT_S = 120
FACTS_NAME = "facts.json"


@dataclass(frozen=True)
class Job:
    """What the child renders.

    Attributes:
        html: the whole document; it may refer to nothing but `data:` and `fonts:NAME`.
        fonts: folder of the shipped fonts.
        facts: attached as facts.json, byte for byte.
        made_at: the document's creation time.
    """

    html: str
    fonts: Path
    facts: bytes
    made_at: datetime

    def dump(self) -> bytes:
        """As JSON for the child's standard input."""
        return orjson.dumps(
            {
                "html": self.html,
                "fonts": str(self.fonts),
                "facts": self.facts.decode(),
                "made_at": int(self.made_at.timestamp()),
            }
        )

    @classmethod
    def parse(cls, data: bytes) -> Job:
        """The reverse of :meth:`dump`."""
        read = orjson.loads(data)
        made_at = datetime.fromtimestamp(read["made_at"], UTC)
        return cls(read["html"], Path(read["fonts"]), read["facts"].encode(), made_at)


def render(job: Job, *, timeout_s: float = TIMEOUT_S, memory_mb: int = 1024) -> bytes:
    """Render one document in a child of its own; the same job gives the same bytes.

    Whoever renders many keeps a :class:`~homepot_ai.reporting.render_pool.RenderPool`.

    Raises:
        ReportError: the child failed, or took too long or too much memory.
    """
    from homepot_ai.reporting.render_pool import RenderPool

    with RenderPool(1, memory_mb=memory_mb) as pool:
        return pool.render(job, timeout_s=timeout_s)
