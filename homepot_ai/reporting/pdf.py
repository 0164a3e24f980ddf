"""A report as a tagged PDF (PDF/UA), rendered in a process of its own.

WeasyPrint keeps the memory that it once took, and a page that hangs must not take a worker
with it: a child process renders one document and is gone.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson

from homepot_ai.errors import ReportError

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


def render(job: Job, *, timeout_s: float = TIMEOUT_S) -> bytes:
    """Render in a child process; the same job gives the same bytes.

    Raises:
        ReportError: the child failed or took too long; its last words are in the message.
    """
    # Nothing of our environment is needed; without it no proxy, locale or secret reaches the child.
    kept = {
        name: os.environ[name]
        for name in ("PATH", "HOME", "LD_LIBRARY_PATH", "COVERAGE_PROCESS_START")
        if name in os.environ
    }
    child_environment = {
        **kept,
        "SOURCE_DATE_EPOCH": str(int(job.made_at.timestamp())),
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", "homepot_ai.reporting.render"],
            input=job.dump(),
            capture_output=True,
            timeout=timeout_s,
            env=child_environment,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ReportError(
            f"rendering the PDF took longer than {timeout_s:.0f} s and was stopped; look at the machine's "
            "load and memory, and make the report again"
        ) from error
    if done.returncode != 0 or not done.stdout.startswith(b"%PDF-"):
        words = done.stderr.decode(errors="replace").strip().splitlines()[-5:]
        raise ReportError(
            f"the PDF could not be rendered (exit {done.returncode}): {' / '.join(words) or 'no message'}; "
            "`homepot-ai doctor` says which library is missing"
        )
    return done.stdout
