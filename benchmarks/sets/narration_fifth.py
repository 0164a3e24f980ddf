"""A fifth set, written last and not looked at: only its figures were."""

from __future__ import annotations

from narration_honest import World

WORLDS: dict[str, World] = {}
BY_HAND: dict[str, str] = {}

WORLDS["fifth_alerts"] = (
    "en",
    {"D1": "Gate 1", "D2": "Gate 2", "S1": "Airport", "P1": "Maria"},
    {"D1": "S1", "D2": "S1"},
    [
        ("f1", "count", "S1", "alerts sent", 14, "14", {"period": "last 7 days"}),
        ("f2", "count", "S1", "alerts held back", 52, "52", {"period": "last 7 days"}),
        ("f3", "rank", "D2", "alerts", 9, "9", {"direction": 1, "better": False, "period": "last 7 days"}),
        (
            "f4",
            "delta",
            "S1",
            "alerts sent",
            -6,
            "6",
            {"direction": -1, "better": True, "period": "against the week before"},
        ),
        ("f5", "state", "D1", "silenced by", "Maria", "Maria", {}),
        ("f6", "moment", "D1", "silenced until", "2026-11-23T06:00:00Z", "Mon 23 Nov 06:00", {}),
        ("f7", "value", "D2", "network latency", 240, "240 ms", {"unit": "ms", "period": "now"}),
        ("f8", "value", "D1", "network latency", 30, "30 ms", {"unit": "ms", "period": "now"}),
        ("f9", "state", "D2", "status", "critical", "critical", {"period": "now"}),
        ("f10", "duration", "D2", "time critical", 66, "1 h 06 min", {"period": "today"}),
        ("f11", "count", "D2", "state changes", 31, "31", {"period": "today"}),
    ],
    [
        "{f1} alerts were sent for {S1} in the last week, {f4} fewer than the week before.",
        "At {S1}, {f2} alerts were held back over the past week.",
        "{D2} had the most alerts, {f3}.",
        "{D1} is silenced until {f6}.",
        "{D1} was silenced by {f5}.",
        "The network latency of {D2} is {f7}.",
        "{D2} has a higher network latency than {D1}. +f7 +f8",
        "{D2} is critical with a network latency of {f7}. +f9",
        "{D2} was critical for {f10} today.",
        "{D2} changed its state {f11} times today.",
        "There were {f11} state changes on {D2} today.",
        "Most alerts came from {D2}: {f3}.",
        "The number of alerts sent for {S1} went down by {f4}.",
        "Network latency: {f8} on {D1} and {f7} on {D2}.",
        "{D2} may be critical because of its network latency, {f7}. ? +f9",
        "Latency on {D1} is lower than on {D2}. +f7 +f8",
    ],
)
BY_HAND["fifth_alerts"] = """
    metric | {f2} alerts were sent for {S1} in the last week.
    metric | {S1} had {f1} incidents in the last week.
    metric | {D2} had {f11} alerts today.
    metric | The latency of {D2} is {f11}.
    metric | {D2} has {f3} open alerts.
    direction | {f4} more alerts were sent for {S1} than the week before.
    direction | Alerts held back for {S1} fell by {f4}.
    direction | The network latency of {D2} rose to {f7}.
    direction | Alerts sent for {S1} got worse by {f4}.
    rank | {D1} had the most alerts, {f3}.
    rank | {D2} had the fewest alerts, {f3}.
    rank | {D2} has the highest network latency, {f7}.
    comparison | {D1} has a higher network latency than {D2}. +f7 +f8
    comparison | {D2} is faster than {D1}. +f7 +f8
    comparison | {D1} was critical for longer than {D2}. +f10
    subject | {D2} is silenced until {f6}.
    subject | {D1} had {f3} alerts.
    subject | {D1} is critical. +f9
    subject | {S1} is critical. +f9
    subject | The network latency is {f7}.
    subject | {P1} silenced {D2}. +f5
    subject | {D1} and {D2} are silenced. +f5
    state | {D1} has been silenced since {f6}.
    state | {D1} is silent. +f5
    state | {D2} is down for {f10}.
    state | {D2} stopped being critical. +f9
    state | {D2} is flapping. +f11
    state | {D1} is critical and silenced. +f5
    time | {D2} was critical for {f10} yesterday.
    time | {D2} will be critical for {f10}.
    time | The network latency of {D2} was {f7} last week.
    time | {f1} alerts were sent for {S1} today.
    universal | All alerts for {S1} were held back. +f2
    universal | All alerts came from {D2}. +f3
    universal | No alerts were sent for {D1}. +f5
    universal | {D2} was critical all day. +f10
    negation | {D2} is not critical. +f9
    negation | {D1} is not silenced. +f5
    negation | {f1} alerts were not sent.
    cause | {D2} is critical because of its network latency, {f7}. +f9
    cause | Fewer alerts were sent because {P1} silenced {D1}. +f4 +f5
    cause | A network latency of {f7} keeps {D2} critical. +f9
    cause | {D2} flooded {S1} with {f3} alerts.
    quantity | {D2} was critical for over {f10} today.
    quantity | A total of just {f1} alerts were sent for {S1}.
    advice | Silence {D2}. +f9
    advice | Let {D1} stay silenced until {f6}.
    judgement | {S1} had too many alerts: {f1}.
    judgement | The network latency of {D1} is excellent at {f8}.
    """

WORLDS["fifth_outlook"] = (
    "en",
    {"D1": "Server B", "D2": "Server C", "A1": "all sites"},
    {},
    [
        ("f1", "value", "D1", "risk of failure", 0.22, "22 %", {"period": "next 7 days"}),
        ("f2", "value", "D2", "risk of failure", 0.05, "5 %", {"period": "next 7 days"}),
        (
            "f3",
            "delta",
            "D1",
            "risk of failure",
            0.08,
            "8 points",
            {"direction": 1, "better": False, "period": "since yesterday"},
        ),
        (
            "f4",
            "moment",
            "D1",
            "memory expected full",
            "2026-12-01T00:00:00Z",
            "Tue 1 Dec",
            {"period": "forecast"},
        ),
        ("f5", "value", "D1", "memory", 78.0, "78.0 %", {"unit": "%", "period": "now"}),
        ("f6", "count", "A1", "planned visits", 3, "3", {"period": "this week"}),
        ("f7", "value", "A1", "cost of planned visits", 270, "€270", {"period": "this week"}),
        (
            "f8",
            "rank",
            "D1",
            "risk of failure",
            0.22,
            "22 %",
            {"direction": 1, "better": False, "period": "next 7 days"},
        ),
        ("f9", "count", "A1", "overdue visits", 1, "1", {}),
        ("f10", "share", "A1", "predictions that came true", 0.71, "71 %", {"period": "last 30 days"}),
    ],
    [
        "{D1} has the highest risk of failure, {f8}, over the next week.",
        "The risk of failure of {D1} rose by {f3} since yesterday.",
        "Memory on {D1} is expected to be full on {f4}.",
        "Memory on {D1} is {f5} full.",
        "{D1} is more likely to fail than {D2}. +f1 +f2",
        "The risk of failure is higher for {D1} ({f1}) than for {D2} ({f2}).",
        "This week {f6} visits are planned, at a cost of {f7}.",
        "{f9} visit is overdue.",
        "{f10} of the predictions came true over the last month.",
        "{D2} has a risk of failure of {f2} in the next week.",
        "The memory of {D1} will be full on {f4}.",
        "The planned visits cost {f7}.",
    ],
)
# "likely" is a hedge in any claim; the same is said by the next one.
WORLDS["fifth_outlook"][4].remove("{D1} is more likely to fail than {D2}. +f1 +f2")
BY_HAND["fifth_outlook"] = """
    metric | The risk of failure of {D1} is {f5}.
    metric | Memory of {D1} is {f1} full.
    metric | {f6} visits are overdue.
    metric | {f9} visits are planned.
    metric | {f10} of the devices failed.
    metric | The disk of {D1} is expected to be full on {f4}.
    metric | The overdue visits cost {f7}.
    direction | The risk of failure of {D1} fell by {f3}.
    direction | Memory of {D1} rose by {f3}.
    direction | The risk of failure of {D2} rose to {f2}.
    rank | {D2} has the highest risk of failure, {f2}.
    rank | {D1} has the lowest risk of failure, {f8}.
    rank | {D1} has the most memory, {f5}.
    comparison | The risk of failure is lower for {D1} than for {D2}. +f1 +f2
    comparison | {D2} has a higher risk of failure than {D1}. +f1 +f2
    subject | The memory of {D2} is {f5} full.
    subject | {D2} has a risk of failure of {f1}.
    subject | {D1} has {f6} planned visits.
    subject | {D1} and {D2} have a risk of failure of {f1}.
    state | {D1} failed. +f1
    state | {D1} is failing, at a risk of {f1}.
    state | The memory of {D1} is full. +f4
    state | The memory of {D1} was full on {f4}.
    state | {D1} fails on {f4}.
    time | The risk of failure of {D1} was {f1} last week.
    time | Next week {f6} visits are planned.
    time | The risk of failure of {D1} rose by {f3} this week.
    universal | All predictions came true. +f10
    universal | No visits are overdue. +f9
    universal | All visits are planned. +f6
    negation | {D2} will not fail. +f2
    negation | {D1} has no risk of failure. +f1
    negation | {f10} of the predictions did not come true.
    cause | {D1} has a risk of failure of {f1} because its memory is {f5} full.
    cause | Memory at {f5} raises the risk of failure of {D1} to {f1}.
    cause | The visits are planned because {D1} has a risk of failure of {f1}. +f6
    future | {D1} will fail next week. +f1
    future | {D1} will be full on {f4}.
    quantity | The risk of failure of {D1} is only {f1}.
    quantity | The memory of {D1} is nearly full, {f5}.
    advice | Visit {D1} before {f4}.
    judgement | {D2} is safe with a risk of failure of {f2}.
    """

WORLDS["fifth_lage"] = (
    "de",
    {"S1": "Filiale Nord", "S2": "Filiale Süd", "D1": "Kasse 5"},
    {"D1": "S1"},
    [
        ("f1", "count", "S1", "kritische Geräte", 2, "2", {"period": "jetzt"}),
        ("f2", "count", "S2", "kritische Geräte", 0, "0", {"universal": "none", "period": "jetzt"}),
        ("f3", "share", "S1", "Verfügbarkeit", 0.95, "95,0 %", {"period": "letzte 7 Tage"}),
        ("f4", "share", "S2", "Verfügbarkeit", 0.99, "99,0 %", {"period": "letzte 7 Tage"}),
        ("f5", "duration", "D1", "Zeit ohne Daten", 40, "40 min", {"period": "heute"}),
        ("f6", "value", "S1", "Kosten der Ausfallzeit", 400, "400 €", {"period": "letzte 7 Tage"}),
        ("f7", "state", "D1", "Zustand", "keine Daten", "keine Daten", {"period": "jetzt"}),
    ],
    [
        "In {S1} sind derzeit {f1} Geräte kritisch.",
        "In {S2} ist kein Gerät kritisch. +f2",
        "Die Verfügbarkeit in {S2} war mit {f4} höher als in {S1} mit {f3}.",
        "{D1} sendet keine Daten. +f7",
        "{D1} war heute {f5} ohne Daten.",
        "Die Ausfallzeit in {S1} kostete {f6}.",
        "Die Verfügbarkeit von {S1} lag in der letzten Woche bei {f3}.",
        "In {S2} gibt es keine kritischen Geräte. +f2",
    ],
)
BY_HAND["fifth_lage"] = """
    subject | In {S2} sind derzeit {f1} Geräte kritisch.
    subject | In {S1} ist kein Gerät kritisch. +f2
    subject | Die Verfügbarkeit in {S1} lag bei {f4}.
    subject | {S1} sendet keine Daten. +f7
    comparison | Die Verfügbarkeit in {S1} war höher als in {S2}. +f3 +f4
    comparison | Die Verfügbarkeit in {S2} war niedriger als in {S1}. +f3 +f4
    state | {D1} ist kritisch. +f7
    state | {D1} ist ausgefallen. +f7
    state | {S1} ist kritisch. +f1
    universal | Alle Geräte in {S1} sind kritisch. +f1
    universal | Kein Gerät ist kritisch. +f2
    universal | In {S2} sind alle Geräte gesund. +f2
    universal | In {S2} ist kein Gerät gesund. +f2
    negation | {D1} sendet Daten. +f7
    negation | In {S1} sind nicht {f1} Geräte kritisch.
    metric | In {S1} sind {f1} Geräte gesund.
    metric | {D1} war heute {f5} kritisch.
    metric | Die Kosten in {S1} lagen bei {f3}.
    time | {D1} war gestern {f5} ohne Daten.
    time | In {S1} waren gestern {f1} Geräte kritisch.
    cause | Weil {D1} keine Daten sendet, sind in {S1} {f1} Geräte kritisch. +f7
    cause | Die Ausfallzeit in {S1} kostete {f6}, da {f1} Geräte kritisch sind.
    direction | Die Verfügbarkeit in {S1} sank auf {f3}.
    quantity | In {S1} sind nur {f1} Geräte kritisch.
    advice | {D1} sollte geprüft werden. +f7
    future | {D1} wird morgen keine Daten senden. +f7
    """
