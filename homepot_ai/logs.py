"""How every process of ours writes its log: to stderr, at one level, as text or as one JSON object a line.

Where it goes from there is for whoever starts the process: `homepot-ai up` writes it into files under `log/`,
systemd into its journal, a container's engine where it likes. Both of the first keep it bounded.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from homepot_ai.settings_operations import LogSettings

TEXT = "%(asctime)s %(levelname)s %(name)s %(message)s"
# One line for each request is ours; theirs name addresses and say nothing else.
_TALKATIVE = ("httpx", "httpcore", "urllib3", "asyncio")
_LEVELS = {"CRITICAL": "error", "FATAL": "error", "WARN": "warning"}


class JsonLines(logging.Formatter):
    """A record as one line: `at` (UTC), `level`, `logger`, `message`, and `error` with its traceback.

    Takes what `logging.config` hands to a formatter and needs none of it.
    """

    def __init__(self, *_: object, **__: object) -> None:
        super().__init__()

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": _LEVELS.get(record.levelname, record.levelname.lower()),
            "logger": record.name,
            "message": record.getMessage(),
        }
        for name in ("flow_run_name", "flow_name", "task_run_name"):
            if value := getattr(record, name, None):
                line[name] = str(value)
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def configure(log: LogSettings, stream: IO[str] | None = None) -> None:
    """Set up this process; calling it again replaces what was set up before.

    >>> import io
    >>> from homepot_ai.settings_operations import LogSettings
    >>> lines = io.StringIO()
    >>> configure(LogSettings(json_lines=True), lines)
    >>> logging.getLogger("homepot_ai").warning("late by %d s", 3)
    >>> json.loads(lines.getvalue())["message"]
    'late by 3 s'
    >>> configure(LogSettings())
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if log.json_lines else logging.Formatter(TEXT))
    logging.basicConfig(level=log.level.upper(), handlers=[handler], force=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))


def prefect_variables(log: LogSettings) -> dict[str, str]:
    """The same for Prefect's processes, which set themselves up: variables of their environment.

    >>> from homepot_ai.settings_operations import LogSettings
    >>> prefect_variables(LogSettings(level="warning"))["PREFECT_LOGGING_LEVEL"]
    'WARNING'
    """
    found = {
        "PREFECT_LOGGING_LEVEL": log.level.upper(),
        "PREFECT_SERVER_LOGGING_LEVEL": log.level.upper() if log.level != "info" else "WARNING",
        # What our own modules say belongs to the run that they say it in.
        "PREFECT_LOGGING_EXTRA_LOGGERS": "homepot_ai",
        "PREFECT_LOGGING_COLORS": "false",
    }
    if log.json_lines:
        found["PREFECT_LOGGING_FORMATTERS_JSON_CLASS"] = f"{__name__}.{JsonLines.__name__}"
        found["PREFECT_LOGGING_HANDLERS_CONSOLE_FORMATTER"] = "json"
    return found
