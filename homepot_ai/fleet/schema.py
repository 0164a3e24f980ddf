"""What we need of HOMEPOT's tables, and what suffers when it is not there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from homepot_ai.errors import HomepotSchemaMissing
from homepot_ai.store.database import Connection

# table -> (columns that we read, what suffers without it)
_NEEDED: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "devices": (
            "id device_id name device_type lifecycle_state health_state site_id last_heartbeat_at is_active "
            "is_simulated firmware_version created_at",
            "everything",
        ),
        "sites": ("id site_id name location is_active", "everything"),
        "device_metrics": (
            "id timestamp device_id cpu_percent memory_percent disk_percent network_latency_ms "
            "transaction_count transaction_volume error_rate active_connections queue_depth extra_metrics "
            "provenance collection_interval_seconds",
            "every score",
        ),
        "health_checks": ("id device_id is_healthy timestamp", "failed checks as evidence"),
        "device_state_history": (
            "id timestamp device_id previous_state new_state reason",
            "state flapping as evidence, status changes in the event cache",
        ),
        "error_logs": (
            "id timestamp category severity error_code error_message context",
            "error bursts as evidence and in the event cache",
        ),
        "job_outcomes": ("id timestamp job_id job_type device_id status error_message", "failed jobs"),
        "jobs": ("id job_id action status device_id completed_at", "failed jobs"),
        "configuration_history": (
            "id timestamp entity_type entity_id parameter_name change_type changed_by",
            "configuration changes in the event cache",
        ),
        "alerts": (
            "id timestamp device_id site_id title description severity category status resolved_at "
            "resolved_by resolution_notes",
            "HOMEPOT's dashboard",
        ),
        "site_operating_schedules": (
            "site_id day_of_week open_time close_time is_closed is_maintenance_window peak_hours_start "
            "peak_hours_end",
            "maintenance windows, availability in opening hours, visits outside them",
        ),
    }
)
# Who may be told of which site. Where a HOMEPOT has no such tables, nobody is held back.
PEOPLE_COLUMNS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "users": ("id", "email", "is_active", "is_admin"),
        "site_memberships": ("user_id", "site_id"),
    }
)
_VITAL = frozenset({"devices", "sites", "device_metrics"})

READ_TABLES: Sequence[str] = tuple(_NEEDED)
#: Columns of HOMEPOT's alerts, which we write as well.
ALERT_COLUMNS: Sequence[str] = tuple(_NEEDED["alerts"][0].split())
# What scoring can do without.
BEARABLE: Sequence[str] = tuple(table for table in _NEEDED if table not in _VITAL)


@dataclass(frozen=True)
class Missing:
    """A table, or some of its columns, that this HOMEPOT does not have.

    Attributes:
        columns: empty when the whole table is missing.
        suffers: the outputs that are worse for it.
        vital: nothing can be done without it.
    """

    table: str
    columns: tuple[str, ...]
    suffers: str
    vital: bool

    def __str__(self) -> str:
        columns = ", ".join(self.columns)
        what = f"column(s) {columns} of {self.table}" if columns else f"table {self.table}"
        return f"{what} (suffers: {self.suffers})"


def missing(conn: Connection, homepot_schema: str) -> list[Missing]:
    """Compare the database with what the readers need.

    Reads the catalogue and not `information_schema`, which hides what the role may not select.
    """
    rows = conn.execute(
        """SELECT c.relname, a.attname FROM pg_attribute a
             JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = %s AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
              AND a.attnum > 0 AND NOT a.attisdropped""",
        [homepot_schema],
    ).fetchall()
    there: dict[str, set[str]] = {}
    for table, column in rows:
        there.setdefault(str(table), set()).add(str(column))
    found = []
    for table, (columns, suffers) in _NEEDED.items():
        if table not in there:
            found.append(Missing(table, (), suffers, table in _VITAL))
            continue
        absent = tuple(column for column in columns.split() if column not in there[table])
        if absent:
            found.append(Missing(table, absent, suffers, table in _VITAL))
    return found


def require_vital(conn: Connection, homepot_schema: str) -> list[Missing]:
    """Return what is missing but bearable.

    Raises:
        HomepotSchemaMissing: tables that nothing works without are missing; the message lists all.
    """
    found = missing(conn, homepot_schema)
    vital = [item for item in found if item.vital]
    if vital:
        listed = "; ".join(str(item) for item in vital)
        raise HomepotSchemaMissing(
            f"this is not a HOMEPOT database, or an older one: schema {homepot_schema!r} lacks {listed}. "
            "Check HOMEPOT_AI_DATABASE_URL and HOMEPOT_AI_DATABASE__HOMEPOT_SCHEMA"
        )
    return found
