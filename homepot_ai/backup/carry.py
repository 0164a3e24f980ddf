"""What a restore does not undo: what was sent, who was let in or shut out, what was written down of it.

A fleet's memory may go back to yesterday; a mail that was sent today stays sent, a token that was revoked
stays revoked, who unsubscribed stays so, and no number that people were told is given again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from homepot_ai.store import named_sql

if TYPE_CHECKING:
    from homepot_ai.store.database import Connection

_CARRY = named_sql.load("backup/sql/carry.sql")
_SQL = named_sql.load("backup/sql/backup.sql")
OUTBOXES = ("ai_mail_outbox", "ai_alerts_outbox")
#: Rows of these that the backup does not have are taken over.
RECORDS = (
    *OUTBOXES, "ai_mail_bounces", "ai_api_tokens", "ai_audit_log", "ai_backups", "ai_restore_drills",
    "ai_archives", "ai_watch_sizes", "ai_watch_alarms",
)  # fmt: skip


def over(conn: Connection, live: str, restored: str) -> list[str]:
    """Take over, in the caller's transaction, what must not be undone; returns what could not be.

    Tables that are damaged or missing in the one in use (that may be why one restores) are left out.
    """
    there = {row[0] for row in conn.execute(_SQL["tables"], {"schema": live})}
    notes: list[str] = []
    for name, table in (
        *(("outbox_sent", table) for table in OUTBOXES),
        *(("outbox_gone", table) for table in OUTBOXES),
        ("revoked", "ai_api_tokens"),
        ("unsubscribed", "ai_subscriptions"),
        *(("missing_rows", table) for table in RECORDS),
    ):
        if table not in there:
            notes.append(f"{table} was not in use any more: nothing was taken over from it")
            if name == "outbox_gone":
                nobody_knows(conn, restored, [table])
            continue
        try:
            with conn.transaction():
                conn.execute(_composed(name, live, restored, table))
        except psycopg.Error as error:
            if name in ("outbox_sent", "outbox_gone"):
                nobody_knows(conn, restored, [table])
            notes.append(f"{table}: not all could be taken over ({str(error).splitlines()[0]})")
    return sorted(set(notes))


def numbers(conn: Connection, live: str, restored: str) -> None:
    """Numbers that were given stay given. Before anything is written into the restored tables."""
    for (sequence,) in conn.execute(_SQL["sequences"], {"schema": restored}).fetchall():
        conn.execute(_CARRY["number"], {"live": live, "restored": restored, "sequence": sequence})


def hold(conn: Connection, live: str) -> None:
    """Nobody sends or queues until the exchange: who waits finds the other table under the name."""
    there = {row[0] for row in conn.execute(_SQL["tables"], {"schema": live})}
    for table in OUTBOXES:
        if table in there:
            conn.execute(sql.SQL("LOCK TABLE {} IN EXCLUSIVE MODE").format(sql.Identifier(live, table)))


def nobody_knows(conn: Connection, restored: str, outboxes: tuple[str, ...] | list[str] = OUTBOXES) -> None:
    """Mails that waited when the backup was made, with nothing in use to ask what became of them."""
    for table in outboxes:
        conn.execute(_composed("outbox_nobody_knows", restored, restored, table))


def _composed(name: str, live: str, restored: str, table: str) -> sql.Composed:
    return sql.SQL(_CARRY[name]).format(
        live=sql.Identifier(live), restored=sql.Identifier(restored), table=sql.Identifier(table)
    )
