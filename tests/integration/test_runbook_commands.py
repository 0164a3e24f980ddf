"""What a page tells people to type works as it stands there: commands and SQL are run, forms checked."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import psycopg
import pytest
import typer
from typer.exceptions import TyperException
from typer.testing import CliRunner

from deployments import catalogue
from deployments.run import TEXT, parse_parameters
from homepot_ai import settings
from homepot_ai.cli import main as cli
from homepot_ai.store.database import Database
from tests.runbook_world import PAGES, ROOT, Command, commands, fill, statements

#: What stands for something of one's own, and what it is in the world of this test. By the words before it,
#: where one word stands for several things.
PLACEHOLDERS = {
    "token revoke NAME": "token revoke old",
    "routes test NAME": "routes test Night",
    "routes add NAME --to ADDRESS": "routes add Day --to ann@example.org",
    "--device NAME": "--device DEVICE-0007",
    "device:NAME": "device:DEVICE-0007",
    "backup verify NAME": "backup verify homepot-ai-20261120T021500Z",
    "visits accept NUMBER": "visits accept 3",
    "window cancel NUMBER": "window cancel 3",
    "outbox drop ID": "outbox drop 8",
    "outbox resend ID": "outbox resend 8",
    "thresholds reset TYPE": "thresholds reset pos_terminal",
    "NUMBER": "17",
    "EMAIL": "ann@example.org",
    "DEVICE": "DEVICE-0007",
}
#: Only parsed, word by word, with every option: they render PDFs, load models, want a server, or do what a
#: test of their own does with the real thing.
PARSED = (
    "up", "down", "serve", "report", "verify", "backtest", "memory", "ask", "models", "backup", "restore",
    "pod", "install-services", "upgrade", "alarms test", "check-services", "exporter", "routes test",
    "worker", "demo-truth", "demo-outage", "mailbox",
)  # fmt: skip
#: Of these another exit code than 0 says how things are.
TELLS = {"status", "doctor"}
#: Built elsewhere; as soon as they are here their commands are held to the same.
ENTRIES = {entry.name: entry for entry in catalogue.deployments(ROOT)}
FORMS = {
    "systemctl": r"(start|stop|restart|status|enable|disable|daemon-reload)( (--now|[a-z][\w-]*(\.\w+)?))*",
    "journalctl": r"-u [a-z][\w-]* (--since (today|yesterday)|-f|-n \d+)",
    "ollama": r"(pull|list|ps|show)( [\w.:-]+)?",
    "curl": r"(--[a-z-]+( \d+)? )*(https?|telnet)://\S+",
    "df": r"-h \.", "du": r"-xh --max-depth=\d \w+", "timedatectl": r"", "duckdb": r"-c \".*\"",
    ".venv/bin/python": r"-m [a-z_.]+( [\w.-]+)*|-c \"import sqlite3; .*\"",
}  # fmt: skip


def filled(command: Command) -> list[str]:
    text = command.text
    for placeholder, instead in PLACEHOLDERS.items():
        text = re.sub(rf"(?<![\w-]){re.escape(placeholder)}(?![\w-])", instead, text)
    return Command(command.page, command.line, text).words


def every(program: str) -> list[Command]:
    return [command for path in PAGES for command in commands(path) if command.words[0] == program]


@pytest.fixture(scope="module")
def world(
    empty_template: str, postgres: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Callable[[], Database], Path]]:
    """Makes a fresh copy of the world; and a state folder."""
    from tests.conftest import _create

    names = ["runbook_template"]
    fill(Database(_create(postgres, names[0], empty_template)))

    def copy() -> Database:
        names.append(f"runbook_{len(names)}")
        return Database(_create(postgres, names[-1], names[0]))

    yield copy, tmp_path_factory.mktemp("runbooks")
    with psycopg.connect(postgres, autocommit=True) as conn:
        for name in names:
            conn.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def done() -> set[str]:
    """What did well on one page need not be run for the next."""
    return set()


@pytest.fixture
def folder(world: tuple[Callable[[], Database], Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The commands' working folder and state folder."""
    _, here = world
    monkeypatch.chdir(here)
    for name, value in {
        "VAR_DIR": str(here / "var"), "SETTINGS_FILE": str(here / "none.yaml"), "OLLAMA__ENABLED": "false",
        "PREFECT__PORT": "9", "MAIL__PORT": "9",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"HOMEPOT_AI_{name}", value)
    yield here
    settings.load_settings.cache_clear()


def parsed(words: list[str], *, mention: bool = False) -> bool:
    """Every word is known: commands, options, and the types of their values. Nothing is done.

    Args:
        mention: a command's name within a sentence is enough, without what it needs.

    Returns:
        Whether it is more than a mention.

    Raises:
        TyperException: a word is unknown, or one that is needed is missing.
    """
    command: Any = typer.main.get_command(cli.app)
    context = command.make_context("homepot-ai", list(words))
    while hasattr(command, "commands"):
        # What a group's own options left over.
        left = [*context._protected_args, *context.args]
        if not left:
            break
        name, command, rest = command.resolve_command(context, left)
        if mention and not rest:
            return False
        context = command.make_context(name, rest, parent=context)
    return True


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_every_command_of_ours_does_what_it_says(
    page: Path,
    world: tuple[Callable[[], Database], Path],
    folder: Path,
    done: set[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = [command for command in commands(page) if command.words[0] == "homepot-ai"]
    # These join by entry point.
    others = {"run", "up", "down", "setup", "COMMAND"}
    asked = [command for command in asked if command.words[1] not in others]
    asked = [command for command in asked if command.text not in done]
    if not asked:
        return
    # A page is read by one person on one day: its commands meet the same world.
    database = world[0]()
    monkeypatch.setenv("HOMEPOT_AI_DATABASE_URL", database.url)
    wrong = []
    for command in asked:
        words = filled(command)[1:]
        settings.load_settings.cache_clear()
        try:
            if not parsed(words, mention=command.mention) or any(
                words[: len(known.split())] == known.split() for known in PARSED
            ):
                continue
            result = CliRunner().invoke(cli.app, words, input="\n")
        except TyperException as error:
            wrong.append(f"{command}: {error}")
            continue
        crashed = result.exception is not None and not isinstance(result.exception, SystemExit)
        if crashed or (result.exit_code != 0 and (words[0] not in TELLS or result.exit_code == 2)):
            wrong.append(f"{command}: {result.exit_code} {result.exception!r} {result.output[-300:]}")
        else:
            done.add(command.text)
    assert wrong == []


def test_every_run_by_hand_is_accepted_as_it_is_written() -> None:
    """`homepot-ai run` hands on to a server; here its parameters are held to the flow's own types."""
    seen = 0
    for command in every("homepot-ai"):
        words = command.words
        if words[1:2] != ["run"] or len(words) < 3 or words[2] in {"NAME", "DEPLOYMENT"}:
            continue
        entry = ENTRIES[words[2]]
        module, _, name = entry.entrypoint.rpartition(".")
        given = [words[at + 1] for at, word in enumerate(words) if word in {"-p", "--param"}]
        rest = [word for at, word in enumerate(words[3:], 3) if word.startswith("-")]
        assert set(rest) <= {"-p", "--param", "--at"}, str(command)
        parameters = dict(entry.parameters) | parse_parameters(given)
        getattr(import_module(module), name).validate_parameters(parameters)
        seen += 1
    assert seen > len(ENTRIES)


def test_what_is_text_whatever_it_looks_like_is_not_quoted() -> None:
    """`-p 'verdict="false"'` hands on the quotes as well: `homepot-ai run` keeps these values as typed."""
    seen = 0
    for path in PAGES:
        for given in re.findall(
            r"(?:-p|--param) +('[^']*'|\"[^\"]*\"|[^\s`]+)", path.read_text(encoding="utf-8")
        ):
            name, _, value = shlex.split(given)[0].partition("=")
            if name in TEXT:
                assert not value.startswith(('"', "'")), f"{path.name}: {given}"
                seen += 1
    assert seen >= 5


def test_every_sql_statement_runs(world: tuple[Callable[[], Database], Path]) -> None:
    database = world[0]()
    found = [(f"{path.name}:{line}", said) for path in PAGES for line, said in statements(path)]
    # An address on a command line is seen by everybody on the machine; and not every machine has psql.
    assert every("psql") == []
    assert sum(command.words[1:3] == ["db", "query"] for command in every("homepot-ai")) >= 7
    assert len(found) >= 3
    for where, said in found:
        if said.startswith("VACUUM"):
            continue
        with database.admin() as conn:
            # Whatever it does is taken back; sessions that idle for an hour are none of this server's.
            conn.execute("SET LOCAL statement_timeout = '10s'")
            try:
                conn.execute(re.sub(r"terminate_backend\((pid|\d+)\)", "terminate_backend(-1)", said))
            except psycopg.Error as error:
                pytest.fail(f"{where}: {error}")
            conn.rollback()


def test_commands_of_others_have_a_form_that_they_take() -> None:
    seen = 0
    for program, form in FORMS.items():
        for command in every(program):
            rest = command.text.removeprefix(program).strip()
            assert re.fullmatch(form, rest), str(command)
            seen += 1
    assert seen >= 10


def test_every_link_of_a_page_leads_somewhere() -> None:
    for path in PAGES:
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"
        for named in re.findall(r"`([\w-]+\.md)`", path.read_text(encoding="utf-8")):
            beside = [path.parent / named, ROOT / "docs" / named, ROOT / "docs" / "runbooks" / named]
            assert named == "NAME.md" or any(one.exists() for one in beside), f"{path.name} names {named}"


def test_every_alarm_has_its_page() -> None:
    keys = import_module("homepot_ai.watch.keys")
    missing = [page for page in keys.RUNBOOKS if not (ROOT / "docs" / "runbooks" / f"{page}.md").exists()]
    assert missing == []


def test_the_checker_sees_what_is_wrong() -> None:
    with pytest.raises(TyperException):
        parsed(["report", "--no-such-option"])
    with pytest.raises(TyperException):
        parsed(["no-such-command"])
    with pytest.raises(TyperException):
        parsed(["incident", "seventeen"])
