"""The life of an incident as a table: which step leads from which state to which.

    pending ──open──▶ open ──acknowledge──▶ acknowledged
       │                │                        │
       └─discard─▶ discarded       └──close──▶ closed ◀──close──┘

Snooze, windows and flapping are no states: they say whether people are told, and an incident under
them opens, worsens and closes like any other. What is closed stays closed; a recurrence is a new row.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from homepot_ai.errors import IncidentError
from homepot_ai.store.incidents import State

Step = Literal[
    "open", "discard", "acknowledge", "close", "worsen", "ease", "grow", "join", "quiet", "snooze",
    "suppress", "release", "flap",
]  # fmt: skip

LIVE: frozenset[State] = frozenset({"pending", "open", "acknowledged"})
#: Told, or withheld on purpose: what people can act on.
OPENED: frozenset[State] = frozenset({"open", "acknowledged"})

_STAY: tuple[Step, ...] = ("worsen", "ease", "grow", "join", "quiet", "snooze", "suppress", "release", "flap")

TRANSITIONS: Mapping[tuple[State, Step], State] = MappingProxyType(
    {
        ("pending", "open"): "open",
        ("pending", "discard"): "discarded",
        ("pending", "worsen"): "pending",
        ("pending", "ease"): "pending",
        ("pending", "join"): "pending",
        ("pending", "quiet"): "pending",
        ("open", "acknowledge"): "acknowledged",
        ("acknowledged", "acknowledge"): "acknowledged",
        ("open", "close"): "closed",
        ("acknowledged", "close"): "closed",
        **{("open", step): "open" for step in _STAY},
        **{("acknowledged", step): "acknowledged" for step in _STAY},
    }
)

_WORDS: Mapping[State, str] = MappingProxyType(
    {
        "pending": "only suspected so far",
        "open": "open",
        "acknowledged": "acknowledged",
        "closed": "closed; a recurrence will be an incident of its own",
        "discarded": "discarded: it was over before it was opened",
    }
)


def move(state: State, step: Step, number: int | None = None) -> State:
    """The state after a step.

    Raises:
        IncidentError: the table has no such step from this state.

    >>> move("open", "acknowledge")
    'acknowledged'
    """
    after = TRANSITIONS.get((state, step))
    if after is None:
        which = "this incident" if number is None else f"incident {number}"
        raise IncidentError(f"{which} cannot be told to {step}: it is {_WORDS[state]}")
    return after
