"""What a server of models holds, against what is configured and what was there when somebody last looked."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from homepot_ai.language.ollama import Ollama, chain, with_tag
from homepot_ai.language.probe import Notes, Seen, Way
from homepot_ai.language.talk import Failed, Installed
from homepot_ai.settings import OllamaSettings
from homepot_ai.store.checks import ServiceCheck
from homepot_ai.text import clean

#: A server that lists nothing within this is away.
LIST_S = 3.0
Change = Literal["", "new", "another edition", "removed"]


@dataclass(frozen=True)
class Configured:
    """A model that the settings name.

    Attributes:
        roles: of fast, balanced, accurate; installed: None where it is not there.
        change: since somebody last looked; way: of asking that works, None where nobody found out.
        failure: why no way of asking works.
    """

    roles: tuple[str, ...]
    name: str
    installed: Installed | None
    change: Change = ""
    way: Way | None = None
    failure: str = ""


@dataclass(frozen=True)
class Survey:
    """A look at the server.

    Attributes:
        failure: why there was nothing to see; the rest is then empty.
        loaded: models in memory, with the bytes that each takes.
        others: installed, but not configured; with what changed.
        last: when somebody looked before; None: never.
    """

    url: str
    at: datetime
    models: tuple[Configured, ...] = ()
    others: tuple[tuple[Installed, Change], ...] = ()
    gone: tuple[str, ...] = ()
    loaded: Mapping[str, int] = field(default_factory=dict)
    version: str = ""
    failure: str = ""
    last: datetime | None = None

    @property
    def verdict(self) -> str:
        """In one line."""
        if self.failure:
            return f"No model can be asked: {self.failure}"
        missing = [model.name for model in self.models if model.installed is None]
        broken = [model.name for model in self.models if model.failure]
        changed = sum(bool(model.change) for model in self.models)
        parts = [f"{len(self.models) - len(missing)} of {len(self.models)} configured models are installed"]
        parts += [f"{', '.join(broken)} cannot be used"] if broken else []
        parts += [f"{changed} changed since the last look"] if changed and self.last else []
        return "; ".join(parts)

    def markdown(self) -> str:
        """What an operator reads first."""
        lines = [f"# {self.verdict}", "", f"{self.url}, {self.at:%Y-%m-%d %H:%M} UTC", ""]
        if self.failure:
            return "\n".join([*lines, "Every text is worded by its template until one answers."]) + "\n"
        since = f"since {self.last:%Y-%m-%d}" if self.last else "first look"
        lines += [f"Ollama {self.version}; changes: {since}", ""]
        lines += ["| model | for | size | digest | change | asked by |", "|---|---|---:|---|---|---|"]
        for model in self.models:
            there = model.installed
            size = gigabytes(there.size) if there else "not installed"
            digest = f"`{there.digest[:12]}`" if there else f"`ollama pull {model.name}`"
            lines.append(
                f"| {model.name} | {', '.join(model.roles)} | {size} | {digest} | {model.change} | "
                f"{_asked_by(model)} |"
            )
        lines += [
            f"| {one.name} | nothing | {gigabytes(one.size)} | `{one.digest[:12]}` | {change} | |"
            for one, change in self.others
        ]
        lines += [f"| {name} | nothing | | | removed | |" for name in self.gone]
        memory = ", ".join(f"{name} ({gigabytes(size)})" for name, size in self.loaded.items())
        lines += ["", f"In memory: {memory or 'none'}"]
        return "\n".join(lines) + "\n"


def look(ollama: Ollama, now: datetime, *, probe: bool, deadline_s: float = 600.0) -> Survey:
    """Look at the server, find out how its configured models are to be asked, and note down what is there.

    Args:
        probe: ask each model that was not asked before something small; takes as long as loading it.
    """
    begun = time.monotonic()
    url = ollama.line.url
    try:
        installed = ollama.line.models(deadline_s=LIST_S)
        version = ollama.line.version(deadline_s=LIST_S)
        loaded = ollama.line.loaded(deadline_s=LIST_S)
    except Failed as failure:
        return Survey(url, now, failure=failure.detail)
    found: dict[str, Way | str] = {}
    configured = {with_tag(name) for name in chain(ollama.settings)}
    for one in installed:
        known = ollama.notes.way(one.digest)
        if known is not None:
            found[one.digest] = known
        elif probe and one.name in configured:
            try:
                left = deadline_s - (time.monotonic() - begun)
                found[one.digest] = ollama.find_way(one, deadline_s=left)
            except Failed as failure:
                found[one.digest] = failure.detail
    survey = compare(ollama.settings, url, now, installed, ollama.notes.seen(url), found, loaded, version)
    ollama.notes.keep_seen(url, installed, now)
    return survey


def compare(
    settings: OllamaSettings,
    url: str,
    now: datetime,
    installed: Sequence[Installed],
    before: Mapping[str, Seen],
    ways: Mapping[str, Way | str],
    loaded: Mapping[str, int],
    version: str,
) -> Survey:
    """What is installed against the settings and against what was there before.

    Args:
        ways: by digest, how a model is to be asked, or why no way works.

    >>> from datetime import UTC
    >>> there = [Installed("llama3.2:3b", "abc", 2_000_000_000)]
    >>> was = {"llama3.2:3b": Seen("old", 1, datetime(2026, 10, 1, tzinfo=UTC))}
    >>> now = datetime(2026, 11, 1, tzinfo=UTC)
    >>> compare(OllamaSettings(), "http://x", now, there, was, {}, {}, "0.12").verdict
    '1 of 3 configured models are installed; 1 changed since the last look'
    """
    there = {one.name: one for one in installed}
    # Several roles may have one model.
    roles = {role: with_tag(getattr(settings, role)) for role in ("fast", "balanced", "accurate")}
    models = []
    for name in dict.fromkeys(map(with_tag, chain(settings))):
        one = there.get(name)
        way = ways.get(one.digest) if one else None
        models.append(
            Configured(
                tuple(role for role, named in roles.items() if named == name),
                name,
                one,
                _change(name, one, before),
                way if isinstance(way, Way) else None,
                way if isinstance(way, str) else "",
            )
        )
    used = {model.name for model in models}
    return Survey(
        url, now, tuple(models),
        tuple((one, _change(one.name, one, before)) for one in installed if one.name not in used),
        tuple(sorted(before.keys() - there.keys() - used)), loaded, version,
        last=max((seen.at for seen in before.values()), default=None),
    )  # fmt: skip


def service(settings: OllamaSettings, notes: Notes, listed: Sequence[Installed] | Failed) -> ServiceCheck:
    """The line of check-services and doctor. Nobody who has no server is told every day that there is none.

    >>> from pathlib import Path
    >>> there = [Installed("mistral:7b", "abc", 4_000_000_000)]
    >>> check = service(OllamaSettings(), Notes(Path("none.json")), there)
    >>> check.state, check.detail
    ('degraded', 'llama3.2:3b is not installed, mistral:7b stands in: ollama pull llama3.2:3b')
    """
    if not settings.enabled:
        return ServiceCheck("ollama", "ok", "switched off: every text is worded by its template")
    if isinstance(listed, Failed):
        if notes.seen(settings.url.rstrip("/")):
            detail = f"{listed.detail}; every text is worded by its template until it does"
            return ServiceCheck("ollama", "degraded", detail)
        return ServiceCheck(
            "ollama", "ok", f"{listed.detail}, and never did: every text is worded by its template"
        )
    names = [with_tag(name) for name in chain(settings)]
    there = {one.name for one in listed}
    stand_in = next((name for name in names if name in there), None)
    if stand_in == names[0]:
        return ServiceCheck("ollama", "ok", f"{names[0]} is installed")
    what = f"{stand_in} stands in" if stand_in else "nor is any that could stand in"
    return ServiceCheck("ollama", "degraded", f"{names[0]} is not installed, {what}: ollama pull {names[0]}")


def check_service(ollama: Ollama, now: datetime) -> ServiceCheck:
    """Look whether the server answers and has the preferred model. Loads nothing."""
    if not ollama.settings.enabled:
        return service(ollama.settings, ollama.notes, [])
    try:
        listed = ollama.line.models(deadline_s=LIST_S)
    except Failed as failure:
        return service(ollama.settings, ollama.notes, failure)
    if not ollama.notes.seen(ollama.line.url):
        ollama.notes.keep_seen(ollama.line.url, listed, now)
    return service(ollama.settings, ollama.notes, listed)


def gigabytes(size: int) -> str:
    """A size as people read it.

    >>> gigabytes(2_019_393_189)
    '2.0 GB'
    """
    return f"{size / 1e9:.1f} GB"


def _change(name: str, one: Installed | None, before: Mapping[str, Seen]) -> Change:
    was = before.get(name)
    if one is None:
        return "removed" if was else ""
    if was is None:
        return "new"
    return "" if was.digest == one.digest else "another edition"


def _asked_by(model: Configured) -> str:
    if model.failure:
        return clean(model.failure, 90).replace("|", "/")
    if model.way is None:
        return ""
    think = model.way.think
    if think is None:
        return model.way.form
    return f"{model.way.form}, thinking {think if isinstance(think, str) else 'on' if think else 'off'}"
