"""What an operator reads of backups, as Markdown. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from homepot_ai.backup.records import Check, Made, Stored
from homepot_ai.backup.restoring import Preview, Restored
from homepot_ai.backup.service import Listed
from homepot_ai.text import clean

SHOWN = 30


def size(count: int) -> str:
    """Bytes as people read them.

    >>> size(75907), size(3_200_000), size(4_500_000_000)
    ('76 kB', '3.2 MB', '4.5 GB')
    """
    if count < 1_000_000:
        return f"{count / 1e3:.0f} kB"
    return f"{count / 1e6:.1f} MB" if count < 1_000_000_000 else f"{count / 1e9:.1f} GB"


def made(result: Made) -> str:
    """A backup that was made: proven by what, and where it lies."""
    one, manifest = result.stored, result.manifest
    lines = [
        f"**{one.name}: proven and stored**",
        "",
        f"{size(one.bytes)}{', encrypted' if one.encrypted else ''}; {manifest.rows:,} rows in "
        f"{len(manifest.tables) + len(manifest.homepot_tables)} tables; made and questioned in "
        f"{result.seconds:.0f} s.",
        "",
        *checks(result.drill.checks),
        "",
        f"- `{one.path}`, sha256 `{result.sha256}`",
        *(
            f"- {_text(place.where)}: {'●' if place.good else '■'} {_text(place.said)}"
            for place in result.places
        ),
    ]
    if manifest.no_index:
        lines.append(f"- ▲ without the index: {_text(manifest.no_index)}")
    if result.removed:
        lines.append(f"- let go of: {', '.join(result.removed)}")
    if not one.encrypted:
        lines.append(
            "- not encrypted: who can read the file can read the fleet's memory (`backup.passphrase`)"
        )
    return "\n".join(lines) + "\n"


def checks(found: Sequence[Check]) -> list[str]:
    """The questions of a drill as a table."""
    return [
        "| question | answer | what was seen |",
        "|---|---|---|",
        *(
            f"| {one.what} | {'● passed' if one.passed else '■ failed'} | {_text(one.said)} |"
            for one in found
        ),
    ]


def listing(found: Listed) -> str:
    """The backups that are there, the newest first."""
    if not found.stored:
        head = f"**No backup in `{found.folder}`**"
        lines = [head, "", "Make one: `homepot-ai backup now`"]
    else:
        good = [one for one in found.stored if one.name not in found.bad]
        newest = (
            f"the newest good one of {good[0].made_at:%Y-%m-%d %H:%M} UTC"
            if good
            else "no good one among them"
        )
        lines = [
            f"**{_count(len(found.stored), 'backup')}, {newest}**",
            "",
            "| backup | made (UTC) | size | last drill | what it said |",
            "|---|---|---:|---|---|",
            *(_listed(one, found) for one in found.stored[:SHOWN]),
        ]
        if len(found.stored) > SHOWN:
            lines.append(f"\nAnd {len(found.stored) - SHOWN} more in `{found.folder}`.")
    if found.unknown:
        lines += ["", f"> Their drills are not known: {_text(found.unknown)}"]
    for name, at, why in found.failures[:5]:
        lines += ["", f"- ■ {name} ({at:%Y-%m-%d %H:%M} UTC) failed: {_text(why)}"]
    return "\n".join(lines) + "\n"


def _listed(one: Stored, found: Listed) -> str:
    last = found.drills.get(one.name)
    drill = (
        "not known"
        if last is None
        else f"{'● passed' if last.passed else '■ failed'} {last.at:%Y-%m-%d %H:%M}"
    )
    said = "" if last is None else _text(last.detail)
    sealed = " (encrypted)" if one.encrypted else ""
    return f"| {one.name}{sealed} | {one.made_at:%Y-%m-%d %H:%M} | {size(one.bytes)} | {drill} | {said} |"


def preview(found: Preview) -> str:
    """What a restore would change."""
    manifest = found.manifest
    lines = [
        f"**Dry run: {manifest.name} differs in {_count(len(found.tables), 'table')}; nothing was changed**",
        "",
        f"Of {manifest.made_at:%Y-%m-%d %H:%M} UTC, {size(found.stored.bytes)}, {manifest.rows:,} rows; "
        f"{found.same} tables are the same.",
        "",
    ]
    if found.tables:
        lines += ["| table | rows in the backup | rows now | |", "|---|---:|---:|---|"]
        lines += [
            f"| {one.table} | {_rows(one.backup)} | {_rows(one.now)} | {_change(one.backup, one.now)} |"
            for one in found.tables
        ]
        lines.append("")
    if found.pages:
        lines.append(f"- operators' pages that would be put back: {_text(', '.join(found.pages))}")
    lines += [f"- {_text(note)}" for note in found.notes]
    lines += [
        "- stays as it is whatever is restored: what was sent, tokens that were revoked, who unsubscribed, "
        "the audit "
        "log",
        "",
        f"Do it: `homepot-ai restore {manifest.name}`. Go back afterwards: `homepot-ai restore --undo`.",
    ]
    return "\n".join(lines) + "\n"


def restored(result: Restored) -> str:
    """A restore that was done, and how to go back."""
    lines = [f"**In force now: {result.name}**", "", f"{result.seconds:.0f} s."]
    if result.drill is not None:
        lines += ["", *checks(result.drill.checks)]
    lines.append("")
    if result.before:
        lines.append(
            f"- what was in use is set aside (`…_before_{result.before}`); go back to it: `homepot-ai "
            f"restore --undo`"
        )
    if result.pages:
        lines.append(f"- operators' pages put back: {_text(', '.join(result.pages))}")
    lines += [f"- {_text(note)}" for note in result.notes]
    lines.append("- scoring catches up by itself from the last minute that the backup holds")
    return "\n".join(lines) + "\n"


def _rows(count: int | None) -> str:
    return "–" if count is None else f"{count:,}"


def _change(backup: int | None, now: int | None) -> str:
    if backup is None:
        return "not in the backup"
    if now is None:
        return "comes back"
    if backup == now:
        return "other rows"
    return f"{backup - now:+,}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _text(said: str) -> str:
    return clean(said, 500).replace("|", "/").replace("`", "'").replace("<", "‹")
