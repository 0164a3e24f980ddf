"""An eighth set, written last and not looked at: only its figures were."""

from __future__ import annotations

from narration_honest import World

WORLDS: dict[str, World] = {}
BY_HAND: dict[str, str] = {}

WORLDS["eighth_shop"] = (
    "en",
    {"D1": "Scanner 8", "D2": "Router 1", "S1": "Outlet", "I1": "No network at Outlet"},
    {"D1": "S1", "D2": "S1", "I1": "S1"},
    [
        ("f1", "value", "D1", "error rate", 3.1, "3.1 %", {"unit": "%", "period": "last 24 h"}),
        (
            "f2",
            "delta",
            "D1",
            "error rate",
            1.4,
            "1.4 points",
            {"direction": 1, "better": False, "period": "since yesterday"},
        ),
        ("f3", "value", "D2", "response time", 480, "480 ms", {"unit": "ms", "period": "now"}),
        ("f4", "value", "D2", "usual response time", 90, "90 ms", {"unit": "ms"}),
        ("f5", "state", "I1", "state", "open", "open", {}),
        ("f6", "duration", "I1", "time open", 48, "48 min", {}),
        ("f7", "count", "I1", "affected devices", 5, "5", {}),
        ("f8", "state", "D2", "status", "critical", "critical", {"period": "now"}),
        ("f9", "count", "S1", "healthy devices", 7, "7", {"period": "now"}),
        ("f10", "count", "S1", "devices", 12, "12", {}),
        ("f11", "moment", "I1", "opened", "2026-11-20T14:02:00Z", "14:02", {}),
        ("f12", "share", "S1", "availability", 0.93, "93 %", {"period": "today"}),
        (
            "f13",
            "rank",
            "D1",
            "error rate",
            3.1,
            "3.1 %",
            {"direction": 1, "better": False, "period": "last 24 h"},
        ),
    ],
    [
        "The error rate of {D1} is {f1}, up {f2} since yesterday.",
        "{D1} has the highest error rate with {f13}.",
        "{D2} has a response time of {f3}, above its usual response time of {f4}.",
        "{I1} is open and has affected {f7} devices. +f5",
        "{I1} has been open for {f6}. +f5",
        "{I1} opened at {f11} and is still open. +f5",
        "{f9} of {f10} devices at {S1} are healthy.",
        "Availability at {S1} was {f12} today.",
        "{D2} is critical with a response time of {f3}. +f8",
        "{D2} at {S1} is critical. +f8",
        "Since yesterday the error rate of {D1} has gone up by {f2}.",
        "The incident {I1} began at {f11}.",
        "{f7} devices are affected by {I1}.",
        "{D1} reported an error rate of {f1} over the past day.",
        "Currently {f9} devices at {S1} are healthy.",
        "{I1} may be the reason why {D2} is critical. ? +f5 +f8",
        "The response time of {D2} is {f3}.",
        "{S1} has {f10} devices, of which {f9} are healthy.",
        "The error rate on {D1} grew by {f2} to {f1}.",
        "{S1} had an availability of {f12} today.",
    ],
)
WORLDS["eighth_shop"][4].remove("{I1} opened at {f11} and is still open. +f5")  # "still" is no fact's
BY_HAND["eighth_shop"] = """
    metric | The response time of {D1} is {f1}.
    metric | The usual response time of {D2} is {f3}.
    metric | The response time of {D2} is {f4}.
    metric | {f10} devices at {S1} are healthy.
    metric | {f7} devices at {S1} are healthy.
    metric | {f9} devices are affected by {I1}.
    metric | {f10} of {f9} devices at {S1} are healthy.
    metric | {I1} was closed at {f11}.
    metric | {S1} was down for {f6}.
    direction | The error rate of {D1} dropped by {f2} since yesterday.
    direction | The response time of {D2} rose to {f3}.
    direction | The error rate of {D1} improved by {f2}.
    direction | Availability at {S1} dropped to {f12} today.
    comparison | {D2} has a response time of {f3}, below its usual response time of {f4}.
    comparison | The response time of {D2} is {f4}, above {f3}.
    comparison | {D1} has a higher error rate than {D2}. +f1 +f3
    rank | {D2} has the highest response time, {f3}.
    rank | {D1} has the lowest error rate with {f13}.
    rank | {D1} has the highest error rate of all outlets, {f13}.
    subject | The error rate of {D2} is {f1}.
    subject | {D1} is critical. +f8
    subject | {S1} is critical. +f8
    subject | {D1} and {D2} are critical. +f8 +f1
    subject | {D2} is open. +f5 +f8
    subject | {D2} affected {f7} devices.
    subject | The error rate is {f1}.
    state | {I1} is closed. +f5
    state | {I1} is resolved. +f5
    state | {I1} is critical. +f5
    state | {D2} is offline. +f8
    state | {D2} went down at {f11}.
    state | {D2} has been critical for {f6}. +f8
    state | {S1} is healthy with {f9} devices.
    time | {D2} has been critical since {f11}. +f8
    time | The error rate of {D1} rose by {f2} this week.
    time | {I1} opened yesterday at {f11}.
    time | Availability at {S1} was {f12} yesterday.
    time | {I1} is open again. +f5
    universal | All devices at {S1} are healthy. +f9
    universal | All {f10} devices at {S1} are affected. +f7
    universal | Only {f9} devices at {S1} are healthy.
    universal | No device at {S1} is critical. +f9
    negation | {I1} is not open. +f5
    negation | {I1} has not affected {f7} devices.
    negation | {D2} is neither open nor critical. +f8
    cause | {D2} is critical because {I1} is open. +f5 +f8
    cause | {I1} made {D2} critical. +f5 +f8
    cause | {D2} is the reason for {I1}. +f5 +f8
    cause | A response time of {f3} lowers availability at {S1} to {f12}.
    cause | {I1} cost {S1} its availability, now {f12}. +f5
    cause | Owing to {I1}, availability at {S1} was {f12}. +f5
    quantity | {D2} has a response time of roughly {f3}.
    quantity | More than {f7} devices are affected by {I1}.
    quantity | Nearly all devices at {S1} are healthy: {f9}.
    quantity | Just {f7} devices are affected by {I1}.
    advice | {D2} has to be restarted. +f8
    advice | Go to {S1}: {f9} devices are healthy.
    advice | Have {D2} replaced. +f8
    judgement | Availability at {S1} was bad today: {f12}.
    judgement | The error rate of {D1} is alarming at {f1}.
    future | {D2} will be critical tomorrow. +f8
    future | {I1} is going to be closed. +f5
    """
