"""People's addresses, sealed in our tables: who reads the database or a copy of it learns none.

With `security.field_key` the columns in `COLUMNS` hold `sealed1:KEY:…` instead of an address. A connection
opens what it reads by itself, so that no reader has to know; a writer says which of its values are to be
sealed by their type (`Address`, `Private`, `MailKey`, `Content`).

The cipher is AES-SIV (RFC 5297): the same address gives the same text under the same key. So unique keys,
joins and look-ups go on working, and whoever changes a sealed value is found out. What that tells a reader
without the key: which rows are of the same person, and how long an address is. The text is in lower case,
like addresses that are compared.

Whether the database is sealed, and with which key, stands in `ai_sealing` and is read in every transaction: a
program without that key goes on with everything else and is refused addresses with a clear error. The key
changes in one transaction (`bring_up`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, LiteralString, cast

from psycopg import sql
from psycopg.pq import Format
from psycopg.types.string import BytesBinaryDumper, StrDumper, TextBinaryLoader, TextLoader

from homepot_ai.errors import SealError
from homepot_ai.store import named_sql

if TYPE_CHECKING:
    from psycopg.abc import Buffer

    from homepot_ai.settings_operations import SecuritySettings
    from homepot_ai.store.database import Connection

_SQL = named_sql.load("store/sql/sealing.sql")
PREFIX = "sealed1:"
_BYTES_PREFIX = PREFIX.encode()
_ID_CHARACTERS = 8
_TEXT_OID = 25
_FORM = re.compile(r"(.*:)?sealed1:([0-9a-f]{8}):([a-z2-7]+)", re.DOTALL)


class Address(str):
    """A mail address or a user's name: sealed in lower case, so that case does not tell people apart."""


class Private(str):
    """A text that may name somebody, like a mail server's answer: sealed as it is."""


class MailKey(str):
    """An outbox's key, `what:address`: its end is sealed where it is an address."""


class Content(bytes):
    """A whole mail. Its reader opens it with :func:`opened`."""


#: Every column that is sealed, and as what.
COLUMNS: Mapping[LiteralString, Mapping[LiteralString, type]] = {
    "ai_subscriptions": {"email": Address},
    "ai_mail_bounces": {"email": Address, "answer": Private},
    "ai_mail_outbox": {"recipient": Address, "key": MailKey, "last_answer": Private, "payload": Content},
    "ai_alert_routes": {"address": Address},
    "ai_alert_messages": {"address": Address},
    "ai_user_preferences": {"user_name": Address},
    "ai_api_tokens": {"user_name": Address},
    "ai_questions": {"user_name": Address},
}


class Key:
    """One key, and its number: the first characters of a hash that tells nothing of it.

    >>> key = Key("correct horse battery staple, and more")
    >>> sealed = key.seal("ann@example.org")
    >>> sealed[:8], key.open(sealed), sealed == key.seal("ann@example.org")
    ('sealed1:', 'ann@example.org', True)
    """

    def __init__(self, secret: str) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV

        # 64 bytes for AES-256-SIV out of a secret that is long and random (settings see to its length).
        derived = hmac.digest(b"homepot-ai field key", secret.encode(), "sha512")
        self.id = hmac.new(derived, b"key id", hashlib.sha256).hexdigest()[:_ID_CHARACTERS]
        self._cipher = AESSIV(derived)

    def seal(self, text: str) -> str:
        """A text, sealed; lower case and digits only."""
        made = base64.b32encode(self.seal_bytes(text.encode())).decode().rstrip("=").lower()
        return f"{PREFIX}{self.id}:{made}"

    def open(self, sealed: str) -> str:
        """What :meth:`seal` was given.

        Raises:
            SealError: the value was changed.
        """
        raw = sealed.rpartition(":")[2].upper()
        try:
            return self.open_bytes(base64.b32decode(raw + "=" * (-len(raw) % 8))).decode()
        except ValueError:
            raise _damaged() from None

    def seal_bytes(self, content: bytes) -> bytes:
        """The same of bytes, without the prefix. The key's number is bound into it."""
        return self._cipher.encrypt(content, [self.id.encode()])

    def open_bytes(self, sealed: bytes) -> bytes:
        """What :meth:`seal_bytes` was given.

        Raises:
            SealError: the value was changed.
        """
        from cryptography.exceptions import InvalidTag

        try:
            return self._cipher.decrypt(sealed, [self.id.encode()])
        except (InvalidTag, ValueError):
            raise _damaged() from None


@lru_cache(maxsize=8)
def _key(secret: str) -> Key:
    return Key(secret)


@dataclass(frozen=True)
class Keys:
    """The keys that a program has: the one in force, and one that is on its way out."""

    current: Key | None = None
    previous: Key | None = None

    @classmethod
    def from_settings(cls, security: SecuritySettings) -> Keys:
        """As the settings say."""
        given = (security.field_key, security.previous_field_key)
        return cls(*(None if one is None else _key(one.get_secret_value()) for one in given))

    def find(self, number: str) -> Key:
        """A key by its number.

        Raises:
            SealError: this program does not have it.
        """
        for key in (self.current, self.previous):
            if key is not None and key.id == number:
                return key
        have = ", ".join(key.id for key in (self.current, self.previous) if key is not None) or "none"
        raise SealError(
            f"people's addresses in the database are sealed with the key {number}, and this program has "
            f"{have}: set HOMEPOT_AI_SECURITY__FIELD_KEY to it (or HOMEPOT_AI_SECURITY__PREVIOUS_FIELD_KEY, "
            "to change keys). Nothing was changed"
        )


class Seal:
    """How one connection seals and opens.

    Attributes:
        within: the number of the key that the database is sealed with; None: it is not sealed.
    """

    def __init__(self, keys: Keys) -> None:
        self.keys = keys
        self.within: str | None = None

    def require(self) -> None:
        """Make sure that addresses can be opened.

        Raises:
            SealError: the database's key is not there.
        """
        if self.within is not None:
            self.keys.find(self.within)

    def text(self, value: str) -> str:
        """A value as it is to be written."""
        if self.within is None or not value:
            return str(value)
        if isinstance(value, MailKey):
            what, colon, whose = value.rpartition(":")
            return f"{what}{colon}{self.text(Address(whose))}" if "@" in whose else str(value)
        plain = value.strip().lower() if isinstance(value, Address) else str(value)
        return self.keys.find(self.within).seal(plain)

    def content(self, value: bytes) -> bytes:
        """The same of bytes."""
        if self.within is None or not value:
            return bytes(value)
        key = self.keys.find(self.within)
        return _BYTES_PREFIX + key.id.encode() + b":" + key.seal_bytes(bytes(value))

    def opened(self, stored: str) -> str:
        """A value as it was before it was sealed.

        Raises:
            SealError: it is sealed with the database's key, which is not there, or it was changed.
        """
        form = _FORM.fullmatch(stored)
        if form is None:
            return stored
        what, number = form[1] or "", form[2]
        if number == self.within:
            return what + self.keys.find(number).open(stored)
        # Not one of ours: a device may bear such a name, and must not stop anything by it.
        try:
            return what + self.keys.find(number).open(stored)
        except SealError:
            return stored

    def opened_bytes(self, stored: bytes) -> bytes:
        """The same of bytes."""
        if not stored.startswith(_BYTES_PREFIX):
            return stored
        number, _, sealed = stored[len(_BYTES_PREFIX) :].partition(b":")
        return self.keys.find(number.decode()).open_bytes(sealed)


def adapt(conn: Connection, keys: Keys) -> None:
    """Teach a new connection to open what it reads and to seal what is marked."""
    seal = Seal(keys)

    class Read(TextLoader):
        held = seal

        def load(self, data: Buffer) -> Any:
            value = super().load(data)
            return seal.opened(value) if isinstance(value, str) and PREFIX in value else value

    class ReadBinary(TextBinaryLoader):
        def load(self, data: Buffer) -> Any:
            value = super().load(data)
            return seal.opened(value) if isinstance(value, str) and PREFIX in value else value

    # Without a type of their own: psycopg would take them for every text and all bytes of a COPY as well.
    class Write(StrDumper):
        oid = 0

        def dump(self, obj: str) -> Buffer | None:
            return super().dump(seal.text(obj))

    class WriteContent(BytesBinaryDumper):
        oid = 0

        def dump(self, obj: Buffer) -> Buffer | None:
            return super().dump(seal.content(bytes(obj)))

    conn.adapters.register_loader("text", Read)
    conn.adapters.register_loader("text", ReadBinary)
    for kind in (Address, Private, MailKey):
        conn.adapters.register_dumper(kind, Write)
    conn.adapters.register_dumper(Content, WriteContent)


def of(conn: Connection) -> Seal:
    """How a connection of ours seals and opens."""
    loader: Any = conn.adapters.get_loader(_TEXT_OID, Format.TEXT)
    return cast(Seal, loader.held)


def enter(conn: Connection) -> None:
    """Learn at a transaction's start whether the database is sealed.

    The row that is read stays locked for as long as the transaction lasts: meanwhile no key changes.
    """
    row = conn.execute(_SQL["within"]).fetchone()
    of(conn).within = None if row is None else str(row[0])


def opened(conn: Connection, content: bytes) -> bytes:
    """A mail's content as it was queued."""
    return of(conn).opened_bytes(content)


def bring_up(conn: Connection, *, now: datetime) -> str | None:
    """Seal, seal anew or open everything, so that it fits the keys in force; in the caller's transaction.

    Args:
        conn: of the tables' owner.

    Returns:
        What was done; None when all is as it should be.

    Raises:
        SealError: a key that is needed is not there, or a value was changed. Nothing is done then.
    """
    seal = of(conn)
    conn.execute(_SQL["lock"])
    enter(conn)
    before, wanted = seal.within, seal.keys.current.id if seal.keys.current else None
    if before == wanted:
        return None
    if before is not None:
        seal.keys.find(before)
    else:
        conn.execute(_SQL["same_person"])
    count = sum(_rewrite(conn, table, columns, before, wanted) for table, columns in COLUMNS.items())
    seal.within = wanted
    conn.execute(_SQL["forget"])
    if wanted is not None:
        conn.execute(_SQL["remember"], {"key": wanted, "now": now})
    done = "opened" if wanted is None else f"sealed with the key {wanted}"
    conn.execute(_SQL["audit"], {"now": now, "action": "addresses " + done.partition(" ")[0], "rows": count})
    return f"people's addresses are {done}: {count} rows"


def _rewrite(
    conn: Connection,
    table: LiteralString,
    columns: Mapping[LiteralString, type],
    before: str | None,
    wanted: str | None,
) -> int:
    """Read each row as it is, write it as it is to be; returns how many rows there are."""
    seal = of(conn)
    names = {
        "table": sql.Identifier(table),
        "columns": sql.SQL(", ").join(map(sql.Identifier, columns)),
        "new": sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in columns),
    }
    places = [row[0] for row in conn.execute(sql.SQL("SELECT ctid::text FROM {table}").format(**names))]
    read = sql.SQL("SELECT {columns} FROM {table} WHERE ctid = %s::tid").format(**names)
    write = sql.SQL("UPDATE {table} SET {new} WHERE ctid = %s::tid").format(**names)
    for place in places:
        seal.within = before
        row: Sequence[Any] = conn.execute(read, [place]).fetchone() or ()
        plain = [
            None if value is None else _plain(seal, value, kind)
            for value, kind in zip(row, columns.values(), strict=True)
        ]
        seal.within = wanted
        conn.execute(write, [*plain, place])
    return len(places)


def _plain(seal: Seal, value: Any, kind: type) -> Any:
    """A value as it was before it was sealed, marked to be sealed again."""
    if kind is Content:
        return Content(seal.opened_bytes(value))
    if form := _FORM.fullmatch(value):  # with a key that nobody knows here: not to be sealed twice
        raise SealError(
            f"an address in the database is sealed with the key {form[2]}, which is not the database's: set "
            "HOMEPOT_AI_SECURITY__PREVIOUS_FIELD_KEY to it. Nothing was changed"
        )
    return kind(value)


def _damaged() -> SealError:
    return SealError(
        "a sealed address in the database was changed or is incomplete and cannot be opened: restore it from "
        "a backup, docs/security.md"
    )
