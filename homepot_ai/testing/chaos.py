"""What a mail sink can be told to do wrong, where, how often and to whom."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

Stage = Literal["connect", "mail", "rcpt", "data", "body", "store", "answer"]
Action = Literal["reply", "drop", "slow"]

# In the order of a conversation:
#   connect  instead of the greeting          body    in the middle of the body
#   mail     at MAIL FROM                     store   the whole mail is here, not yet stored
#   rcpt     at RCPT TO                       answer  stored, not yet answered
#   data     at DATA, before "354 go ahead"
STAGES: tuple[Stage, ...] = get_args(Stage)


@dataclass
class Chaos:
    """One misbehaviour.

    Attributes:
        stage: where in the conversation it strikes.
        action: "reply" with `reply`, "drop" the connection, or be "slow" for `seconds`.
        times: how often it strikes; None: always.
        only: strikes only if the recipient contains this (from `rcpt` on).
        signal: a file that is made when it strikes, so that others can wait for that moment.
        release: "slow" ends early as soon as this file exists.
    """

    stage: Stage
    action: Action
    reply: str = "451 4.3.0 try again later"
    seconds: float = 60.0
    times: int | None = None
    only: str | None = None
    signal: Path | None = None
    release: Path | None = None
    struck: int = 0

    def strikes(self, stage: str, recipients: list[str]) -> bool:
        """Whether this is the moment; counts it if so."""
        if stage != self.stage or (self.times is not None and self.struck >= self.times):
            return False
        if self.only is not None and not any(self.only in recipient for recipient in recipients):
            return False
        self.struck += 1
        if self.signal is not None:
            self.signal.touch()
        return True


MODES: dict[str, Chaos] = {
    "refuse": Chaos("connect", "reply", "421 4.3.2 not taking mail at the moment"),
    "4xx": Chaos("rcpt", "reply", "451 4.7.1 greylisted, try again later"),
    "5xx": Chaos("rcpt", "reply", "550 5.1.1 no such mailbox"),
    "4xx-data": Chaos("store", "reply", "452 4.3.1 out of storage, try again later"),
    "5xx-data": Chaos("store", "reply", "554 5.6.0 content refused"),
    "drop-before-data": Chaos("data", "drop"),
    "drop-in-body": Chaos("body", "drop"),
    "drop-after-data": Chaos("answer", "drop"),
    "slow": Chaos("rcpt", "slow"),
}


def parse(text: str) -> Chaos:
    """A mode's name, and what differs from its preset.

    Raises:
        ValueError: the mode or an option is not known; the message names those that are.

    >>> parse("4xx:times=2,only=ann@").times
    2
    """
    mode, _, options = text.partition(":")
    if mode not in MODES:
        raise ValueError(f"there is no chaos mode {mode!r}; known: {', '.join(MODES)}")
    chaos = replace(MODES[mode])
    for option in filter(None, options.split(",")):
        name, _, value = option.partition("=")
        match name:
            case "times":
                chaos.times = int(value)
            case "seconds":
                chaos.seconds = float(value)
            case "only":
                chaos.only = value
            case "stage" if value in STAGES:
                chaos.stage = value
            case "signal":
                chaos.signal = Path(value)
            case "release":
                chaos.release = Path(value)
            case _:
                raise ValueError(
                    f"chaos option {option!r} is not known; write times=, seconds=, only=, signal=, "
                    f"release=, or stage= with one of {', '.join(STAGES)}"
                )
    return chaos
