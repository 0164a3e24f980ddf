"""The house is in order: settings documented, templates present, no path of anybody's machine."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from homepot_ai.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
# The folders that somebody works in; a path below them means nothing elsewhere.
MACHINE_PATH = re.compile(r"(?<![\w.$}])/(?:home|root|work|Users)/[\w.-]+")
BINARY = {".gz", ".xz", ".npz", ".png", ".pdf", ".ttf", ".otf", ".woff2", ".parquet", ".ico", ".jpg"}


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    paths = (ROOT / name for name in listed.stdout.split("\0") if name)
    return [path for path in paths if path.is_file() and path.suffix not in BINARY]


def test_no_paths_of_a_machine() -> None:
    found = []
    for path in tracked():
        if path == Path(__file__):
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{path.relative_to(ROOT)}: {match}" for match in MACHINE_PATH.findall(text)]
    assert found == []


def test_no_file_is_named_like_a_library() -> None:
    # A module `prefect.py` beside the flows would be imported instead of Prefect.
    libraries = {"prefect", "numpy", "psycopg", "pydantic", "typer", "rich", "alembic", "yaml", "jinja2"}
    clashes = [path for path in ROOT.glob("*.py") if path.stem in libraries]
    clashes += [
        path for path in ROOT.glob("*/*.py") if path.stem in libraries and path.parent.name == "flows"
    ]
    assert clashes == []


def leaves(model: type[BaseModel], prefix: str = "") -> list[str]:
    """Dotted names of every setting."""
    names = []
    for name, field in model.model_fields.items():
        inner: Any = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            names += leaves(inner, f"{prefix}{name}.")
        else:
            names.append(prefix + name)
    return names


@pytest.mark.parametrize("name", [name for name in leaves(Settings) if not name.startswith("health.")])
def test_every_setting_is_documented(name: str) -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages if page.exists())
    variable = f"HOMEPOT_AI_{name.replace('.', '__').upper()}"
    assert f"`{name}`" in text or variable in text, f"neither `{name}` nor {variable} is in the docs"


def test_shell_scripts_parse_and_are_executable() -> None:
    for path in [ROOT / "scripts" / "demo", ROOT / "scripts" / "test", ROOT / ".ci" / "run"]:
        assert path.stat().st_mode & 0o111, f"{path.name} is not executable"
        subprocess.run(["bash", "-n", str(path)], check=True)
