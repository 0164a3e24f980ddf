"""One file that holds a backup: a tar, packed by gzip; encrypted when there is a passphrase.

    backup-20261122T021500Z.tar.gz     manifest.json first, then the members
    backup-20261122T021500Z.age.tar    key.age (a key, sealed with the passphrase), archive.tar.gz.age

The standard programs open both (docs/backups.md). What is read is judged by the manifest: a member that it
does not name, of another size or checksum, or a path that leads elsewhere, and nothing of it is used.
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import re
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any

from pydantic import ValidationError

from homepot_ai.backup.records import FORMAT, MANIFEST, PROGRAM, Manifest, Member
from homepot_ai.errors import ArchiveDamaged, BackupError
from homepot_ai.text import clean

if TYPE_CHECKING:
    from pydantic import SecretStr

PLAIN, SEALED = ".tar.gz", ".age.tar"
_KEY, _INNER = "key.age", "archive.tar.gz.age"
_CHUNK = 1 << 20
_MANIFEST_BYTES, _KEY_BYTES = 64 << 20, 100_000
_GZIP = b"\x1f\x8b"
_PATH = re.compile(r"^[^/\0][^\0]*$")


def sha256(path: Path) -> str:
    """The checksum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def members(folder: Path) -> dict[str, Member]:
    """Every file under a folder, by its path in it."""
    return {
        path.relative_to(folder).as_posix(): Member(bytes=path.stat().st_size, sha256=sha256(path))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def write(folder: Path, manifest: Manifest, target: Path, passphrase: SecretStr | None) -> None:
    """Pack a folder into an archive; what is written is on the disk when this returns.

    Raises:
        BackupError: the disk is full or damaged; the half archive is removed.
    """
    packed = target if passphrase is None else target.with_name(f"{target.name}.plain")
    try:
        with explained(target):
            _pack(folder, manifest, packed)
            if passphrase is not None:
                _seal(packed, target, manifest.made_at, passphrase)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    finally:
        if passphrase is not None:
            packed.unlink(missing_ok=True)


def _pack(folder: Path, manifest: Manifest, target: Path) -> None:
    at = manifest.made_at
    with _new(target) as file:
        # What is in it is packed already, mostly: pg_dump did that.
        with tarfile.open(fileobj=file, mode="w:gz", compresslevel=1, format=tarfile.PAX_FORMAT) as tar:
            said = manifest.model_dump_json(indent=1).encode()
            _add(tar, MANIFEST, len(said), at, _Bytes(said))
            for name, member in manifest.members.items():
                with (folder / name).open("rb") as source:
                    _add(tar, name, member.bytes, at, source)
        _synced(file)


def _seal(packed: Path, target: Path, at: datetime, passphrase: SecretStr) -> None:
    """A key of this archive's own encrypts it, and the passphrase the key: so it can be streamed."""
    import pyrage

    identity = pyrage.x25519.Identity.generate()
    sealed = pyrage.passphrase.encrypt(str(identity).encode(), passphrase.get_secret_value())
    with _new(target) as file, packed.open("rb") as source:
        outer = tarfile.TarFile(fileobj=file, mode="w", format=tarfile.GNU_FORMAT)
        _add(outer, _KEY, len(sealed), at, _Bytes(sealed))
        # How long it will be is known only afterwards: its header is written twice.
        header = file.tell()
        info = _info(_INNER, 0, at)
        file.write(info.tobuf(tarfile.GNU_FORMAT))
        begin = file.tell()
        pyrage.encrypt_io(source, file, [identity.to_public()])
        info.size = file.tell() - begin
        file.write(b"\0" * (-info.size % tarfile.BLOCKSIZE + 2 * tarfile.BLOCKSIZE))
        file.seek(header)
        file.write(info.tobuf(tarfile.GNU_FORMAT))
        _synced(file)


def extract(path: Path, into: Path, passphrase: SecretStr | None) -> Manifest:
    """Unpack an archive into an empty folder, every member checked.

    Raises:
        ArchiveDamaged: it is cut off, altered, or none of ours; the folder may hold a part of it.
        BackupError: the passphrase is missing or wrong, or the disk is full.
    """
    with explained(path), _opened(path, into, passphrase, whole=True) as tar:
        manifest = _manifest(tar, path)
        missing = set(manifest.members)
        # Not `for info in tar`: that begins anew, with the manifest.
        while (info := tar.next()) is not None:
            member = manifest.members.get(info.name)
            if member is None or not info.isreg() or not _inside(info.name) or info.name not in missing:
                raise ArchiveDamaged(
                    f"{path.name} holds {clean(info.name)!r}, which its manifest does not name as a file: "
                    f"it was "
                    "altered. Take another one: `homepot-ai backup list`"
                )
            _unpack(tar, info, member, into / info.name, path)
            missing.remove(info.name)
        if missing:
            raise ArchiveDamaged(
                f"{path.name} lacks {clean(min(missing))!r}, which its manifest names: it was altered or "
                f"cut off. "
                "Take another one: `homepot-ai backup list`"
            )
    return manifest


def manifest_of(path: Path, scratch: Path, passphrase: SecretStr | None) -> Manifest:
    """What an archive says of itself, without unpacking the rest (an encrypted one is opened in whole).

    Raises:
        BackupError: as `extract`.
    """
    with explained(path), _opened(path, scratch, passphrase) as tar:
        return _manifest(tar, path)


def _manifest(tar: tarfile.TarFile, path: Path) -> Manifest:
    first = tar.next()
    if first is None or first.name != MANIFEST or not first.isreg() or first.size > _MANIFEST_BYTES:
        raise ArchiveDamaged(f"{path.name} is no backup of this program: it does not begin with a {MANIFEST}")
    source = tar.extractfile(first)
    assert source is not None
    said = source.read()
    try:
        manifest = Manifest.model_validate_json(said)
    except ValidationError as error:
        if (newer := _format(said)) is not None and newer > FORMAT:
            raise BackupError(
                f"{path.name} was made by a newer version of this program (format {newer}, here {FORMAT}): "
                "update the program, then try again"
            ) from error
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise ArchiveDamaged(f"the manifest of {path.name} is wrong ({where}): take another one") from error
    if manifest.program != PROGRAM:
        raise ArchiveDamaged(f"{path.name} is a backup of {clean(manifest.program)!r}, not of this program")
    if manifest.format > FORMAT:
        raise BackupError(
            f"{path.name} was made by a newer version of this program (format {manifest.format}, here "
            f"{FORMAT}): "
            "update the program, then try again"
        )
    return manifest


def _format(said: bytes) -> int | None:
    import orjson

    try:
        found = orjson.loads(said)
    except orjson.JSONDecodeError:
        return None
    number = found.get("format") if isinstance(found, dict) else None
    return number if isinstance(number, int) else None


def _unpack(tar: tarfile.TarFile, info: tarfile.TarInfo, member: Member, target: Path, path: Path) -> None:
    source = tar.extractfile(info)
    assert source is not None
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with target.open("xb") as file:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            file.write(chunk)
    if size != member.bytes or digest.hexdigest() != member.sha256:
        raise ArchiveDamaged(
            f"{clean(info.name)!r} in {path.name} is not what was packed (checksum): the archive is damaged. "
            "Take another one: `homepot-ai backup list`"
        )


@contextmanager
def _opened(
    path: Path, scratch: Path, passphrase: SecretStr | None, *, whole: bool = False
) -> Iterator[tarfile.TarFile]:
    """The inner tar, as a stream; `whole` also compares the checksum of everything, the manifest too."""
    with path.open("rb") as file:
        begin = file.read(2)
        file.seek(0)
        if begin == _GZIP:
            with _unzipped(file, whole) as tar:
                yield tar
            return
        with tarfile.open(fileobj=file, mode="r:") as outer:
            names = [info.name for info in (outer.next(), outer.next()) if info is not None]
            if names != [_KEY, _INNER]:
                raise ArchiveDamaged(f"{path.name} is no backup of this program")
            if passphrase is None:
                raise BackupError(
                    f"{path.name} is encrypted: set HOMEPOT_AI_BACKUP__PASSPHRASE to what it was made with"
                )
            opened = scratch.parent / f".part-{path.name}.opened"
            try:
                _unseal(outer, passphrase, opened, path)
                with opened.open("rb") as inner, _unzipped(inner, whole) as tar:
                    yield tar
            finally:
                opened.unlink(missing_ok=True)


@contextmanager
def _unzipped(file: IO[bytes], whole: bool) -> Iterator[tarfile.TarFile]:
    # Not tarfile's own way to gzip, which never looks at the checksum.
    with gzip.GzipFile(fileobj=file) as plain:
        with tarfile.open(fileobj=plain, mode="r|") as tar:
            yield tar
        while whole and plain.read(_CHUNK):
            pass


def _unseal(outer: tarfile.TarFile, passphrase: SecretStr, target: Path, path: Path) -> None:
    import pyrage

    key, inner = outer.extractfile(_KEY), outer.extractfile(_INNER)
    assert key is not None
    assert inner is not None
    try:
        secret = pyrage.passphrase.decrypt(key.read(_KEY_BYTES), passphrase.get_secret_value())
        identity = pyrage.x25519.Identity.from_str(secret.decode())
    except pyrage.DecryptError as error:
        raise BackupError(
            f"the passphrase does not open {path.name}: set HOMEPOT_AI_BACKUP__PASSPHRASE to the one that "
            f"it was "
            "made with (or the archive is damaged: its checksum lies beside it)"
        ) from error
    with _new(target) as file:
        try:
            pyrage.decrypt_io(inner, file, [identity])
        except pyrage.DecryptError as error:
            raise ArchiveDamaged(f"{path.name} is damaged: take another one") from error


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what goes wrong with a file into one sentence."""
    try:
        yield
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise ArchiveDamaged(_damaged(path, error)) from error
    except FileNotFoundError as error:
        raise BackupError(f"{error.filename or path} is not there (any more)") from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise BackupError(
                f"no room is left for {path.parent} ({error.strerror}): nothing half was kept, and the "
                f"backups "
                "that are there were not touched. Make room, or set another folder: HOMEPOT_AI_BACKUP__DIR"
            ) from error
        # gzip and age say by OSErrors without a number that what they read is wrong.
        if error.errno is None:
            raise ArchiveDamaged(_damaged(path, error)) from error
        raise BackupError(f"{path} cannot be read or written: {error.strerror}") from error


def _damaged(path: Path, error: BaseException) -> str:
    return (
        f"{path.name} is cut off, damaged, or no backup at all "
        f"({clean(str(error) or type(error).__name__)}): "
        "take another one, `homepot-ai backup list`"
    )


def _inside(name: str) -> bool:
    """Whether a member's path stays in the folder.

    >>> _inside("chroma/chroma.sqlite3"), _inside("../etc/passwd"), _inside("/etc/passwd")
    (True, False, False)
    """
    return bool(_PATH.match(name)) and ".." not in PurePosixPath(name).parts


class _Bytes:
    """Bytes as a file, for tarfile."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)

    def read(self, size: int = -1) -> bytes:
        cut = len(self._data) if size < 0 else size
        part, self._data = self._data[:cut], self._data[cut:]
        return bytes(part)


def _info(name: str, size: int, at: datetime) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, int(at.timestamp()), 0o600
    return info


def _add(tar: tarfile.TarFile, name: str, size: int, at: datetime, source: Any) -> None:
    tar.addfile(_info(name, size, at), source)


@contextmanager
def _new(path: Path) -> Iterator[IO[bytes]]:
    """A file that only we may read: it holds a fleet's whole memory."""
    with open(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
        yield file


def _synced(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def write_durably(path: Path, text: str) -> None:
    """A small file: all of it or nothing."""
    part = path.with_name(f".part-{path.name}")
    with _new(part) as file:
        file.write(text.encode())
        _synced(file)
    part.replace(path)


def sync_folder(folder: Path) -> None:
    """What was renamed in a folder stays renamed, also when the power goes."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
