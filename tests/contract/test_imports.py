"""Imports go one way: flows → tasks → homepot_ai, and inside the domain from top to bottom."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOMAIN = ROOT / "homepot_ai"

# Who may import whom, among our own packages.
OUTER = {
    "homepot_ai": set(),
    "blocks": {"homepot_ai"},
    "tasks": {"homepot_ai"},
    "flows": {"tasks", "blocks", "homepot_ai"},
    "deployments": {"flows", "tasks", "blocks", "homepot_ai"},
}
# Inside the domain, a layer sees itself and what lies below it. `testing` holds sample
# data and servers to play against: it sees everything below the command line.
LAYERS = [
    {"errors", "hosts", "intervals", "pod_names", "schedules", "text"},
    {"health.config"},
    {"settings_operations"},
    {"settings", "logs"},
    {"store", "fleet"},
    {"health"},
    {"incidents", "memory", "prediction"},
    {"language"},
    {"reporting"},
    {"alerts"},
    {"questions"},
    {"answers"},
    # Looking after ourselves: these do not know each other's insides.
    {"backup", "retention", "watch"},
    {"testing"},
    {"cli", "doctor", "overview", "api"},
]
HEAVY = {
    "weasyprint",
    "apprise",
    "matplotlib",
    "pandas",
    "statsmodels",
    "sklearn",
    "icalendar",
    "torch",
    "chromadb",
    "sentence_transformers",
    "ollama",
    "pyrage",
}


def modules(package: Path) -> Iterator[tuple[str, Path]]:
    """Dotted names and files of a package's modules."""
    for path in sorted(package.rglob("*.py")):
        parts = list(path.relative_to(ROOT).with_suffix("").parts)
        if parts[-1] == "__init__":
            parts.pop()
        yield ".".join(parts), path


def imports(path: Path, *, top_level: bool = False) -> set[str]:
    """Every module that a file imports; `from a import b` counts as a and as a.b.

    Imports for annotations only (`if TYPE_CHECKING`) are left out: they do not happen.
    """
    found: set[str] = set()

    def visit(nodes: list[ast.stmt]) -> None:
        for node in nodes:
            if isinstance(node, ast.Import):
                found.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                assert node.level == 0, f"{path}: relative imports hide where they go"
                found.add(node.module)
                found.update(f"{node.module}.{alias.name}" for alias in node.names)
            elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                visit(node.orelse)
            elif not (top_level and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)):
                for name in ("body", "orelse", "finalbody", "handlers"):
                    visit(getattr(node, name, []))

    visit(ast.parse(path.read_text(encoding="utf-8")).body)
    return found


def layer_of(module: str) -> int | None:
    """The layer of a module of the domain; None for the package itself."""
    inner = module.removeprefix("homepot_ai").lstrip(".")
    best = None
    for number, names in enumerate(LAYERS):
        for name in names:
            # health.config is lower than the rest of health: the longest name decides.
            if (inner == name or inner.startswith(name + ".")) and (best is None or len(name) > best[0]):
                best = (len(name), number)
    return None if best is None else best[1]


@pytest.mark.parametrize("package", OUTER)
def test_packages_import_one_way(package: str) -> None:
    wrong = [
        f"{name} imports {target}"
        for name, path in modules(ROOT / package)
        for target in imports(path)
        if (head := target.partition(".")[0]) in OUTER and head != package and head not in OUTER[package]
    ]
    assert wrong == []


def test_the_domain_does_not_know_prefect() -> None:
    wrong = [
        f"{name} imports {target}"
        for name, path in modules(DOMAIN)
        for target in imports(path)
        if target.partition(".")[0] == "prefect"
    ]
    assert wrong == []


def test_every_module_of_the_domain_has_a_layer() -> None:
    without = [name for name, _ in modules(DOMAIN) if name != "homepot_ai" and layer_of(name) is None]
    assert without == [], "add the new package to LAYERS, where architecture.md puts it"


def test_layers_import_downwards_only() -> None:
    wrong = []
    for name, path in modules(DOMAIN):
        mine = layer_of(name)
        for target in imports(path):
            other = layer_of(target) if target.startswith("homepot_ai.") else None
            if mine is not None and other is not None and other > mine:
                wrong.append(f"{name} imports {target}")
    assert wrong == []


def test_no_circles_between_modules() -> None:
    known = dict(modules(DOMAIN))
    graph = {
        name: {target for target in imports(path, top_level=True) if target in known and target != name}
        for name, path in known.items()
    }
    state: dict[str, int] = {}

    def walk(name: str, way: tuple[str, ...]) -> None:
        assert state.get(name) != 1, " → ".join([*way, name])
        if state.get(name) == 2:
            return
        state[name] = 1
        for target in sorted(graph[name]):
            walk(target, (*way, name))
        state[name] = 2

    for name in sorted(graph):
        walk(name, ())


def test_heavy_libraries_are_imported_where_they_are_used() -> None:
    wrong = [
        f"{name} imports {target} at its top"
        for package in OUTER
        for name, path in modules(ROOT / package)
        for target in imports(path, top_level=True)
        if target.partition(".")[0] in HEAVY
    ]
    assert wrong == []


def test_the_checker_sees_a_wrong_import(tmp_path: Path) -> None:
    file = tmp_path / "bad.py"
    file.write_text(
        "from __future__ import annotations\n"
        "def f():\n    try:\n        import prefect.flows\n    except ImportError:\n        from a import b\n"
    )
    assert imports(file) >= {"prefect.flows", "a", "a.b"}
    assert imports(file, top_level=True) == {"__future__", "__future__.annotations"}
