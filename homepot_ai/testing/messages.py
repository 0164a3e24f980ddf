"""What a report can say, and what of it a language has: `python -m homepot_ai.testing.messages`.

Collects every message of the code (`voice.t`, `voice.n`, `voice.term`, `message`), of the templates and of
the modes, and writes those that are missing into `templates/locale/LANGUAGE/reports.po`, untranslated; what
nothing says any more is taken out. Translate what is empty, then run the tests.
"""

from __future__ import annotations

import ast
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from homepot_ai.fleet import metrics
from homepot_ai.reporting.voice import LANGUAGES, LOCALES

Message = str | tuple[str, str]
_PLACEHOLDER = re.compile(r"\{(\w*)\}")


def said(root: Path) -> dict[Message, list[str]]:
    """Every message with the files that say it, in order of the files.

    Args:
        root: the folder that holds `homepot_ai` and `templates`.
    """
    found: dict[Message, list[str]] = {}
    for where, message in _all(root):
        found.setdefault(message, [])
        if where not in found[message]:
            found[message].append(where)
    return found


def _all(root: Path) -> Iterator[tuple[str, Message]]:
    folders = [root / "homepot_ai" / "reporting", root / "homepot_ai" / "answers"]
    for file in sorted(path for folder in folders for path in folder.rglob("*.py")):
        where = file.relative_to(root).as_posix()
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.Call):
                yield from ((where, message) for message in _of_call(node))
    for file in sorted((root / "templates").rglob("report.html.j2")):
        where = file.relative_to(root).as_posix()
        for _, _, text, _ in babel_extract(io.BytesIO(file.read_bytes()), ("t",), (), {}):
            if isinstance(text, str):
                yield where, text
            elif text and isinstance(text[0], str):
                yield where, text[0]
    for file in sorted((root / "templates" / "modes").glob("*.yaml")):
        mode = yaml.safe_load(file.read_text(encoding="utf-8"))
        where = file.relative_to(root).as_posix()
        texts = [mode["title"], *mode["tone"].values(), *mode.get("words", {}).values()]
        yield from ((where, text) for text in texts)
    yield from (("homepot_ai/fleet/metrics.py", metric.label) for metric in metrics.KNOWN.values())
    for file in sorted((root / "homepot_ai" / "questions").rglob("*.py")):
        where = file.relative_to(root).as_posix()
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.Call):
                yield from ((where, message) for message in _of_page(node))


def _of_call(call: ast.Call) -> Iterator[Message]:
    """The messages that a call names literally. Babel's own reader does not look into f-strings."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name == "n" and len(call.args) >= 2:
        yield from zip(_texts(call.args[0]), _texts(call.args[1]), strict=True)
    elif name in {"t", "term", "message"} and call.args:
        yield from _texts(call.args[0])
    elif name == "Plugin":
        titles = [call.args[1]] if len(call.args) > 1 else []
        titles += [keyword.value for keyword in call.keywords if keyword.arg == "title"]
        for title in titles:
            yield from _texts(title)


def _of_page(call: ast.Call) -> Iterator[Message]:
    """The messages of an answer's page: its sentences and column titles besides."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    if name == "say" and call.args:
        yield from _texts(call.args[0])
    elif name == "heads":
        for argument in call.args:
            yield from _texts(argument)
    else:
        yield from _of_call(call)


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)


def catalogue(file: Path, language: str) -> Catalog:
    """A language's catalogue; an empty one where there is none."""
    if not file.exists():
        return Catalog(locale=LOCALES[language], project="homepot-ai", charset="utf-8")
    with file.open("rb") as source:
        return read_po(source, locale=LOCALES[language])


def complaints(known: Catalog, messages: dict[Message, list[str]]) -> list[str]:
    """What is wrong with a catalogue: a message that lacks its translation, or whose `{names}` differ.

    >>> complaints(Catalog(locale="de_DE"), {"all well": ["x.py"]})
    ["no translation of 'all well'"]
    """
    found = []
    for message in messages:
        entry = known.get(message if isinstance(message, str) else message[0])
        forms = entry.string if entry else ""
        texts = [str(text or "") for text in forms] if isinstance(forms, tuple) else [str(forms or "")]
        if not all(texts) or len(texts) != (2 if isinstance(message, tuple) else 1):
            found.append(f"no translation of {message!r}")
            continue
        meant = set(_PLACEHOLDER.findall(message if isinstance(message, str) else "".join(message)))
        for text in texts:
            names = set(_PLACEHOLDER.findall(text))
            # "one device" need not say its number.
            if names - meant or meant - names - ({"n"} if isinstance(message, tuple) else set()):
                found.append(f"other {{names}} in the translation of {message!r}: {text!r}")
    return found


def update(root: Path, language: str) -> tuple[int, int]:
    """Bring a catalogue up to date.

    Returns:
        (messages, of them untranslated).
    """
    file = root / "templates" / "locale" / language / "reports.po"
    old, messages = catalogue(file, language), said(root)
    new = Catalog(
        locale=LOCALES[language],
        project="homepot-ai",
        charset="utf-8",
        header_comment="# What reports say. Keys are the English texts of the code.",
    )
    missing = 0
    for message, where in messages.items():
        known = old.get(message if isinstance(message, str) else message[0])
        string = known.string if known else None
        if isinstance(message, tuple) != isinstance(string, tuple):
            string = None
        missing += not string or (isinstance(string, tuple) and not all(string))
        new.add(message, string, locations=[(name, 0) for name in where])
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as out:
        write_po(out, new, omit_header=True, sort_output=False, width=110, include_lineno=False)
    return len(messages), missing


def main() -> int:
    """Update every catalogue; exit 1 while something is untranslated."""
    root = Path(__file__).resolve().parents[2]
    empty = 0
    for language in LANGUAGES:
        if language != "en":
            count, missing = update(root, language)
            print(f"{language}: {count} messages, {missing} untranslated")
            empty += missing
    return 1 if empty else 0


if __name__ == "__main__":
    sys.exit(main())
