"""A few child processes that render PDFs, one document at a time each.

WeasyPrint keeps the memory that it once took, a page may hang, and a library in C may die: none of that
must reach the worker. Starting a child costs a second, so they are used again, and replaced after a
number of documents or when they have grown.

    job ──► a free child ──► PDF                        the same job gives the same bytes, whichever child
                      ├────► complaint, silence         this job fails; after silence the child is replaced
                      └────► death                      once more in a fresh child; then this job fails
"""

from __future__ import annotations

import os
import queue
import selectors
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from homepot_ai.errors import ReportError
from homepot_ai.reporting.pdf import Job
from homepot_ai.reporting.render import JOB, PDF, write_frame

TIMEOUT_S = 120.0
#: A child is replaced after so many documents ...
JOBS = 60
#: ... or when it holds more than this share of what it may have.
GROWN = 0.5
_CHUNK = 1 << 16


class RenderPool:
    """Children that render; threads may share one pool. One is started on entering.

    Args:
        size: how many render at the same time.
        memory_mb: the address space that each may have (`reports.render_memory_mb`).
        jobs: documents after which a child is replaced.

    >>> with RenderPool(2, memory_mb=1024) as pool:                             # doctest: +SKIP
    ...     made = pool.render(job)
    """

    def __init__(self, size: int, *, memory_mb: int, jobs: int = JOBS) -> None:
        self._memory_mb, self._jobs = memory_mb, jobs
        # The last one used is used next: little work keeps one child busy and starts no other.
        self._free: queue.LifoQueue[_Child | None] = queue.LifoQueue()
        for _ in range(size):
            self._free.put(None)
        self._size = size

    def __enter__(self) -> Self:
        """Begin a first child at once: it reads its libraries while the facts are still gathered."""
        self._free.get()
        self._free.put(_Child(self._memory_mb))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the children; waits for those that are at work."""
        for _ in range(self._size):
            child = self._free.get()
            if child is not None:
                child.end()
        for _ in range(self._size):
            self._free.put(None)

    @property
    def children(self) -> list[int]:
        """Process ids of the children that wait for work."""
        return [child.pid for child in list(self._free.queue) if child is not None]

    def render(self, job: Job, *, timeout_s: float = TIMEOUT_S) -> bytes:
        """Render one document; the same job gives the same bytes.

        Raises:
            ReportError: the document cannot be rendered, or took too long or too much memory.
        """
        child = self._free.get()
        try:
            if child is not None and (made := self._again(child, job, timeout_s)) is not None:
                return made
            child = _Child(self._memory_mb)
            return child.render(job, timeout_s)
        except BaseException:
            if child is not None:
                child.kill()
            raise
        finally:
            self._free.put(self._kept(child))

    def _again(self, child: _Child, job: Job, timeout_s: float) -> bytes | None:
        """What a child made that made others before; None when it is gone: a fresh one must do."""
        try:
            return child.render(job, timeout_s)
        except _Died:
            child.kill()
            return None

    def _kept(self, child: _Child | None) -> _Child | None:
        if child is None or not child.alive:
            return None
        if child.served >= self._jobs or child.resident_mb > GROWN * self._memory_mb:
            child.end()
            return None
        return child


class _Died(ReportError):
    """The child is gone without an answer."""


class _Child:
    def __init__(self, memory_mb: int) -> None:
        self._memory_mb = memory_mb
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the child
        self._process = subprocess.Popen(
            [sys.executable, "-m", "homepot_ai.reporting.render", str(memory_mb)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=_environment(),
        )
        self.served = 0

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def resident_mb(self) -> float:
        """Memory that it holds now; 0 where the system does not say."""
        try:
            pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        except (OSError, ValueError, IndexError):
            return 0.0
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def render(self, job: Job, timeout_s: float) -> bytes:
        deadline = time.monotonic() + timeout_s
        assert self._process.stdin is not None
        try:
            write_frame(self._process.stdin, JOB, job.dump())  # type: ignore[arg-type] # a pipe is one
        except OSError as error:
            raise self._died() from error
        self.served += 1
        kind, length = (head := self._read(9, deadline, timeout_s))[:1], int.from_bytes(head[1:], "big")
        payload = self._read(length, deadline, timeout_s)
        if kind == PDF and payload.startswith(b"%PDF-"):
            return payload
        words = payload.decode(errors="replace")
        hint = (
            f"it may have {self._memory_mb} MiB, see `reports.render_memory_mb`"
            if words.startswith("MemoryError")
            else "`homepot-ai doctor` says which library is missing"
        )
        raise ReportError(f"the PDF could not be rendered: {words[:600]}; {hint}")

    def _read(self, length: int, deadline: float, timeout_s: float) -> bytes:
        assert self._process.stdout is not None
        file = self._process.stdout.fileno()
        parts: list[bytes] = []
        with selectors.DefaultSelector() as ready:
            ready.register(file, selectors.EVENT_READ)
            while length:
                if not ready.select(max(deadline - time.monotonic(), 0)):
                    raise ReportError(
                        f"rendering the PDF took longer than {timeout_s:.0f} s and was stopped; look at the "
                        "machine's load and memory, and make the report again"
                    )
                part = os.read(file, min(length, _CHUNK))
                if not part:
                    raise self._died()
                parts.append(part)
                length -= len(part)
        return b"".join(parts)

    def _died(self) -> _Died:
        try:
            code: int | None = self._process.wait(5)
        except subprocess.TimeoutExpired:
            code = None
        self._errors.seek(0)
        words = self._errors.read().decode(errors="replace").strip().splitlines()[-5:]
        return _Died(
            f"the PDF could not be rendered (exit {code}): {' / '.join(words) or 'no message'}; it may have "
            f"{self._memory_mb} MiB (`reports.render_memory_mb`); `homepot-ai doctor` says which library "
            "is missing"
        )

    def end(self) -> None:
        """Let it finish: at the end of its input it goes."""
        if self._process.stdin is not None:
            with suppress(OSError):  # it went before
                self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._close()

    def kill(self) -> None:
        self._process.kill()
        self._close()

    def _close(self) -> None:
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream is not None:
                with suppress(OSError):  # an input that nobody reads any more
                    stream.close()


def _environment() -> dict[str, str]:
    # Nothing of our environment is needed; without it no proxy, locale or secret reaches the child.
    names = ("PATH", "HOME", "LD_LIBRARY_PATH", "COVERAGE_PROCESS_START", "TMPDIR")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return {
        **kept,
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        # One arena: threads are not used, and each would take 64 MiB of the address space.
        "MALLOC_ARENA_MAX": "1",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
