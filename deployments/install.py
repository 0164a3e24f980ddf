"""`homepot-ai install-services`: units of systemd, settings and a command, from one place.

Every file that is written ends with a line that holds the checksum of what lies above it. A file whose
line fits was not edited and may be replaced by a newer one; any other is somebody's, and is left alone.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from homepot_ai.errors import SettingsError
from homepot_ai.settings import load_settings

if TYPE_CHECKING:
    from homepot_ai.settings import Settings

console = Console(highlight=False)
TEMPLATES = Path(__file__).parent / "systemd"
ETC = "/etc/homepot-ai"
UNITS = "etc/systemd/system"
# What another machine has as well: reports, backups and the index are made where the state is.
WORKERS = ("homepot-ai.target", "homepot-ai-worker-minute.service")
SERVER = (
    "homepot-ai-worker-batch.service",
    "homepot-ai-server.service",
    "homepot-ai-setup.service",
    "homepot-ai-api.service",
    "homepot-ai-watch.service",
    "homepot-ai-watch.timer",
    "homepot-ai-pod@.service",
)
MARK = "# homepot-ai wrote this; sha256 of the lines above: "
# systemd reads % and blanks in a path in its own way, and a shell does too.
_PLAIN_PATH = re.compile(r"/[A-Za-z0-9/._+-]*")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,30}")
# What hardened units do not see (ProtectHome).
_HIDDEN = ("/home", "/root", "/run/user")

Ollama = Literal["drop-in", "unit", "none"]
Did = Literal["new", "unchanged", "updated", "kept", "replaced"]


@dataclass(frozen=True)
class File:
    """One file that is to be there.

    Attributes:
        path: below the prefix, without a leading slash.
        once: settings: made where missing, and from then on the operator's.
    """

    path: str
    content: str
    mode: int = 0o644
    once: bool = False


@dataclass(frozen=True)
class Done:
    """What became of a file; `kept` means: edited by somebody, ours lies beside it as `.new`."""

    path: Path
    did: Did


def command(
    prefix: Annotated[
        Path, typer.Option(help="Put everything below this folder: a look, or an image.")
    ] = Path("/"),
    user: Annotated[str, typer.Option(help="Whose rights the units have.")] = "homepot-ai",
    role: Annotated[
        Literal["all", "worker"], typer.Option(help="`worker`: this machine only joins another one's server.")
    ] = "all",
    ollama: Annotated[
        Ollama,
        typer.Option(help="A `drop-in` beside the unit of its installer, a `unit` of ours, `none`."),
    ] = "drop-in",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace edited files as well; they are kept as `.before`.")
    ] = False,
) -> None:
    """Install systemd units for everything of homepot-ai, hardened; an edited unit is never overwritten."""
    settings = load_settings()
    files = list(wanted(settings, user=user, role=role, ollama=ollama))
    problems = hidden(settings)
    if problems and prefix == Path("/") and not dry_run:
        raise SettingsError("; ".join(problems))
    for problem in problems:
        console.print(f"▲ {problem}", markup=False, soft_wrap=True)
    done = install(files, prefix, dry_run=dry_run, force=force)
    for one in done:
        console.print(f"● {one.did:<9} {one.path}", markup=False, soft_wrap=True)
    kept = [one for one in done if one.did == "kept"]
    if kept:
        console.print(
            f"▲ {len(kept)} file(s) were edited and are left as they are; what would be written lies beside "
            "each as `.new`. To keep an edit for good, put it into a drop-in (`systemctl edit UNIT`); to "
            "give it up: --force",
            markup=False, soft_wrap=True,
        )  # fmt: skip
    for line in [] if dry_run else next_steps(prefix, role):
        console.print(line, markup=False, soft_wrap=True)
    raise typer.Exit(1 if kept else 0)


def wanted(
    settings: Settings,
    *,
    user: str = "homepot-ai",
    role: Literal["all", "worker"] = "all",
    ollama: Ollama = "drop-in",
) -> Iterator[File]:
    """Every file, rendered for this checkout.

    Raises:
        SettingsError: the user's name or the checkout's path cannot stand in a unit.
    """
    if not _USER.fullmatch(user):
        raise SettingsError(f"{user!r} is no name of a user: small letters, digits, - and _")
    home, program = str(settings.home.resolve()), str(Path(sys.executable).parent / "homepot-ai")
    for path in (home, program):
        if not _PLAIN_PATH.fullmatch(path):
            raise SettingsError(
                f"{path!r} cannot stand in a unit: move the checkout, for example to /opt/homepot-ai"
            )
    values = {"USER": user, "HOME": home, "PROGRAM": program, "ETC": ETC}
    for name in (*WORKERS, *(SERVER if role == "all" else ())):
        yield File(f"{UNITS}/{name}", _render(name, values))
    if ollama == "unit":
        yield File(f"{UNITS}/ollama.service", _render("ollama.service", values))
        yield File("etc/sysusers.d/homepot-ai-ollama.conf", 'u ollama - "Ollama" /var/lib/ollama\n')
    elif ollama == "drop-in" and role == "all":
        yield File(f"{UNITS}/ollama.service.d/homepot-ai.conf", _render("ollama.conf", values))
    yield File("etc/sysusers.d/homepot-ai.conf", _render("sysusers.conf", values))
    yield File("usr/local/bin/homepot-ai", _render("homepot-ai.sh", values), mode=0o755)
    # Everybody may read settings; secrets are root's: systemd reads them before a unit gives up its rights.
    yield File(f"{ETC[1:]}/homepot-ai.yaml", _render("homepot-ai.yaml", values), once=True)
    yield File(f"{ETC[1:]}/secrets.env", _render("secrets.env", values), mode=0o600, once=True)


def hidden(settings: Settings) -> list[str]:
    """What the units need and cannot see, because it lies in somebody's home folder."""
    found = []
    for what, path in (("the checkout", settings.home), ("its Python", Path(sys.base_prefix))):
        real = path.resolve()
        if any(real.is_relative_to(folder) for folder in _HIDDEN):
            found.append(
                f"{what} lies in {real}, which hardened units do not see: clone to /opt/homepot-ai and make "
                "its .venv with the system's Python"
            )
    return found


def install(files: list[File], prefix: Path, *, dry_run: bool = False, force: bool = False) -> list[Done]:
    """Write what is missing or ours and older; leave alone what somebody edited.

    Returns:
        What was done, or with `dry_run` would be, in the order of the files.

    Raises:
        SettingsError: a folder cannot be written; what was written before it stays, and it may be repeated.
    """
    return [_place(file, prefix / file.path, dry_run=dry_run, force=force) for file in files]


def sealed(content: str) -> str:
    """Content with its checksum as the last line.

    >>> is_sealed(sealed("[Unit]\\n")), is_sealed(sealed("[Unit]\\n").replace("U", "V"))
    (True, False)
    """
    return f"{content}{MARK}{hashlib.sha256(content.encode()).hexdigest()}\n"


def is_sealed(text: str) -> bool:
    """Whether a file is as it was written."""
    content, mark, _ = text.rpartition(MARK)
    return bool(mark) and sealed(content) == text


def next_steps(prefix: Path, role: str) -> list[str]:
    """What is left to do, for the operator."""
    if prefix != Path("/"):
        return [f"Everything is below {prefix}; nothing of it is in use."]
    address = "HOMEPOT_AI_DATABASE_URL and prefect.url" if role == "worker" else "HOMEPOT_AI_DATABASE_URL"
    return [
        "Next:",
        "  systemd-sysusers                                   makes the user",
        f"  editor {ETC}/secrets.env {ETC}/homepot-ai.yaml     {address}, mail, time zone",
        "  systemctl daemon-reload",
        "  homepot-ai doctor                                  is everything there",
        "  systemctl enable --now homepot-ai.target",
    ]


def _place(file: File, path: Path, *, dry_run: bool, force: bool) -> Done:
    text = file.content if file.once else sealed(file.content)
    try:
        there = path.read_text(encoding="utf-8", errors="replace") if path.exists() else None
        did: Did
        if there is None:
            did = "new"
        elif there == text or file.once:
            did = "unchanged"
        elif is_sealed(there):
            did = "updated"
        else:
            did = "replaced" if force else "kept"
        if dry_run or did == "unchanged":
            return Done(path, did)
        if did == "replaced":
            _write(path.with_name(path.name + ".before"), there or "", file.mode)
        _write(path.with_name(path.name + ".new") if did == "kept" else path, text, file.mode)
    except OSError as error:
        raise SettingsError(f"{path} cannot be written ({error.strerror}): start it as root") from None
    return Done(path, did)


def _write(path: Path, text: str, mode: int) -> None:
    """The whole file or none of it; secrets never lie there readable, not even for a moment."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    half = path.with_name(path.name + ".part")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(half, mode)
    half.replace(path)


def _render(name: str, values: dict[str, str]) -> str:
    text = (TEMPLATES / name).read_text(encoding="utf-8")
    hardening = (TEMPLATES / "hardening.conf").read_text(encoding="utf-8")
    text = text.replace("@COMMON@\n", (TEMPLATES / "common.conf").read_text(encoding="utf-8"))
    text = text.replace("@HARDENING@\n", hardening)
    # A graphics card is a device, and its driver compiles.
    text = text.replace("@HARDENING_OLLAMA@\n", hardening.replace("PrivateDevices=yes\n", ""))
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    return text
