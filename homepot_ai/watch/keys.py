"""What is watched, by name: the page that an operator reads on, and how urgent it is.

A check is named as `homepot-ai status` prints it. Its alarm has the key `service NAME`; of a deployment,
`run NAME` says that its last run failed, `service flow NAME` that it is late.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["warning", "critical"]


@dataclass(frozen=True)
class Watched:
    """One thing that is looked at.

    Attributes:
        runbook: a page of docs/runbooks, without `.md`.
        down, degraded: how urgent each state is; None: shown on screens, told to nobody.
        patience: checks in a row that must see it before anybody is told.
        headed: its alarm's title when it is degraded, and when it is down; "": by its name.
    """

    name: str
    runbook: str
    what: str
    down: Severity | None = "critical"
    degraded: Severity | None = "warning"
    patience: int = 1
    headed: tuple[str, str] = ("", "")

    def title(self, service: str, *, down: bool) -> str:
        """What an alarm about it is headed.

        >>> WATCHED["disk"].title("disk", down=True), WATCHED["mail"].title("mail", down=False)
        ('The disk is nearly full', 'mail needs attention')
        """
        return self.headed[down] or f"{service} {'is down' if down else 'needs attention'}"


WATCHED = {
    one.name: one
    for one in (
        Watched("database", "service-database", "PostgreSQL answers, has room, is not held up"),
        Watched("tables", "service-database", "our tables are of the version that this program needs"),
        Watched("chroma", "service-chroma", "the vector index holds what the record in PostgreSQL says"),
        Watched("ollama", "service-ollama", "the language models answer", patience=3),
        Watched("mail", "service-mail", "the mail server greets", patience=2),
        Watched(
            "outbox", "service-outbox", "mails and channel messages leave",
            headed=("Mail waits, or wants a decision", ""),
        ),
        Watched(
            "disk", "service-disk", "there is room, and will be in the days to come",
            headed=("The disk fills up", "The disk is nearly full"),
        ),
        Watched(
            "clock", "service-clock", "this machine and the database agree on the time", patience=2,
            headed=("The clocks disagree", ""),
        ),
        Watched(
            "scoring", "service-scoring", "every minute is scored", patience=2,
            headed=("Scoring is late", "Scoring stands still"),
        ),
        Watched(
            "prefect server", "service-prefect-server", "the scheduler answers",
            headed=("", "Prefect's server is down, and nothing runs"),
        ),
        Watched("prefect database", "service-prefect-server", "the scheduler's database stays bounded"),
        Watched(
            "runs", "service-stuck-runs", "no run hangs, none is a zombie",
            headed=("Runs hang or wait", "No worker takes runs"),
        ),
        Watched("flow", "service-late-flow", "every deployment completes its runs when its schedule says"),
        Watched(
            "backup", "service-backup", "there is a good backup that is not old",
            headed=("The backup needs attention", "There is no good backup"),
        ),
        Watched(
            "restore drill", "service-backup", "the last backup was restored and answered",
            headed=("No backup was tried lately", "The last backup could not be restored"),
        ),
        Watched(
            "certificate", "service-certificate", "the mail server's certificate is valid for some time",
            headed=("A certificate expires soon", "A certificate is not accepted"),
        ),
        Watched(
            "tokens", "service-tokens", "tokens of the HTTP door do not expire unnoticed",
            headed=("A token expires soon", ""),
        ),
        Watched("ping", "service-ping", "whoever waits for our sign of life can be reached", patience=3),
    )
}  # fmt: skip
#: Every page that an alarm of a service points to.
RUNBOOKS = tuple(sorted({one.runbook for one in WATCHED.values()}))


def watched(service: str) -> Watched:
    """What a check's name stands for; `flow NAME` and `scoring-3` by their first word.

    >>> watched("flow daily-report").runbook, watched("scoring-3").runbook
    ('service-late-flow', 'service-scoring')
    """
    if service in WATCHED:
        return WATCHED[service]
    head = service.partition(" ")[0].partition("-")[0]
    return WATCHED.get(head) or Watched(service, "check-services", "")


def on(service: str, machine: str) -> str:
    """The name of a check of a machine's own; where there is but one, machines have no names.

    >>> on("disk", ""), on("disk", "till-2")
    ('disk', 'disk on till-2')
    """
    return f"{service} on {machine}" if machine else service


def service_key(service: str) -> str:
    """The key of a check's alarm.

    >>> service_key("disk")
    'service disk'
    """
    return f"service {service}"


def run_key(deployment: str) -> str:
    """The key of the alarm that a deployment's run failed.

    >>> run_key("backup-memory")
    'run backup-memory'
    """
    return f"run {deployment}"


def page(runbook: str) -> str:
    """Where a runbook lies in the checkout.

    >>> page("service-disk")
    'docs/runbooks/service-disk.md'
    """
    return f"docs/runbooks/{runbook}.md"


def flow_name(service: str) -> str | None:
    """The deployment of a check's name; None where it is of something else.

    >>> flow_name("flow score-health-3"), flow_name("disk")
    ('score-health-3', None)
    """
    head, _, name = service.partition(" ")
    return name if head == "flow" and name else None
