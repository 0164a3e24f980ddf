"""A third set, written after the second had been looked at, and never looked at itself."""

from __future__ import annotations

from narration_honest import World

WORLDS: dict[str, World] = {}
BY_HAND: dict[str, str] = {}

WORLDS["third_freezer"] = (
    "en",
    {"D1": "Freezer 2", "D2": "Freezer 3", "S1": "Depot"},
    {"D1": "S1", "D2": "S1"},
    [
        (
            "f1",
            "value",
            "D1",
            "average temperature",
            -15.2,
            "-15.2 °C",
            {"unit": "°C", "period": "yesterday"},
        ),
        ("f2", "value", "D1", "temperature", -13.0, "-13.0 °C", {"unit": "°C", "period": "now"}),
        (
            "f3",
            "delta",
            "D1",
            "temperature",
            2.2,
            "2.2 °C",
            {"unit": "°C", "direction": 1, "better": False, "period": "since yesterday"},
        ),
        ("f4", "state", "D1", "status", "warning", "warning", {"period": "now"}),
        ("f5", "duration", "D1", "time in warning", 130, "2 h 10 min", {"period": "today"}),
        ("f6", "value", "D2", "temperature", -18.1, "-18.1 °C", {"unit": "°C", "period": "now"}),
        (
            "f7",
            "delta",
            "D2",
            "temperature",
            0,
            "0.0 °C",
            {"unit": "°C", "direction": 0, "period": "since yesterday"},
        ),
        ("f8", "count", "D1", "similar incidents", 4, "4", {"period": "last 90 days"}),
        ("f9", "value", "D1", "risk of failure", 0.41, "41 %", {"period": "next 72 hours"}),
        ("f10", "moment", "D1", "next planned visit", "2026-11-24T09:00:00Z", "Tue 24 Nov 09:00", {}),
    ],
    [
        "The temperature of {D1} is now {f2}, up {f3} since yesterday.",
        "Yesterday the average temperature of {D1} was {f1}.",
        "{D1} has been in warning for {f5} today. +f4",
        "{D2} is at a temperature of {f6}, unchanged since yesterday. +f7",
        "There have been {f8} similar incidents on {D1} in the past months.",
        "{D1} has a risk of failure of {f9}.",
        "The next visit to {D1} is planned for {f10}.",
        "The temperature of {D2} has not changed since yesterday. +f7",
        "{D1} is in warning and its temperature has risen by {f3}. +f4",
        "The warning on {D1} may be linked to its temperature, which rose by {f3}. ? +f4",
        "Temperature readings: {f2} on {D1} and {f6} on {D2}.",
        "{D1} currently reads a temperature of {f2}.",
        "Temperature on {D1} is higher than on {D2}. +f2 +f6",
        "{D1} is warmer than {D2}, with a temperature of {f2}. +f6",
        "The risk that {D1} fails in the next days is {f9}.",
        "{D1} at {S1} is in warning. +f4",
    ],
)
BY_HAND["third_freezer"] = """
    metric | The average temperature of {D1} is {f2}.
    metric | The temperature of {D1} was {f1} yesterday.
    metric | The temperature of {D1} is {f1}.
    metric | {D1} had {f8} incidents.
    metric | The last visit to {D1} was at {f10}.
    metric | {D1} has a failure rate of {f9}.
    direction | The temperature of {D1} sank by {f3} since yesterday.
    direction | The temperature of {D2} rose to {f6}.
    direction | The temperature of {D1} is unchanged at {f2}.
    direction | {D1} is getting colder. +f3
    direction | The temperature of {D2} changed since yesterday. +f7
    comparison | Temperature on {D2} is higher than on {D1}. +f2 +f6
    comparison | {D1} is colder than {D2}. +f2 +f6
    comparison | {D1} is worse than {D2}. +f2 +f6
    subject | {D2} is now {f2}.
    subject | The temperature of {D2} is {f2}.
    subject | {S1} is in warning. +f4
    subject | The warning on {D2} lasted {f5}. +f4
    subject | {D1} and {D2} are in warning. +f4
    subject | Temperature readings: {f6} on {D1} and {f2} on {D2}.
    state | {D1} is critical. +f4
    state | {D1} failed with {f9}.
    state | {D1} failed {f8} times.
    state | {D2} is healthy. +f7
    state | {D1} was repaired at {f10}.
    state | The visit to {D1} took place at {f10}.
    state | {D1} is defrosting. +f3
    time | {D1} has been in warning since yesterday. +f4
    time | The temperature of {D1} will be {f2} tomorrow.
    time | {D1} was in warning for {f5} yesterday. +f4
    time | {D1} fails in {f9}.
    negation | {D1} is not in warning. +f4
    negation | The temperature of {D1} has not changed. +f3
    negation | No visit to {D1} is planned. +f10
    negation | There are no similar incidents on {D1}. +f8
    negation | {D1} will not fail. +f9
    universal | All freezers are in warning. +f4
    universal | {D1} is always in warning. +f4
    universal | Every freezer at {S1} is colder. +f6
    universal | Only {D1} is in warning. +f4
    cause | {D1} is in warning because its temperature rose by {f3}. +f4
    cause | A temperature of {f2} put {D1} in warning. +f4
    cause | At {f2}, {D1} is of course in warning. +f4
    cause | {D1} is in warning, its temperature being the reason. +f4 +f2
    cause | The visit at {f10} is planned because {D1} is in warning. +f4
    quantity | The temperature of {D1} is barely {f2}.
    quantity | The risk that {D1} fails is at most {f9}.
    quantity | The temperature of {D1} rose by more than {f3}.
    advice | Bring the visit to {D1} forward. +f10
    advice | {D1} wants a visit before {f10}.
    judgement | The temperature of {D1} is too high at {f2}.
    judgement | A risk of {f9} is acceptable for {D1}.
    judgement | The temperature of {D1} is worrying. +f2
    """

WORLDS["third_fleet"] = (
    "en",
    {"A1": "the fleet", "T1": "kiosk", "T2": "POS terminal"},
    {},
    [
        ("f1", "count", "A1", "devices", 230, "230", {}),
        ("f2", "count", "A1", "devices without data", 4, "4", {"period": "now"}),
        ("f3", "share", "A1", "healthy device-minutes", 0.956, "95.6 %", {"period": "this month"}),
        (
            "f4",
            "delta",
            "A1",
            "healthy device-minutes",
            0.012,
            "1.2 points",
            {"direction": 1, "better": True, "period": "against last month"},
        ),
        (
            "f5",
            "rank",
            "T1",
            "error ratio",
            0.08,
            "0.080",
            {"direction": 1, "better": False, "period": "this month"},
        ),
        ("f6", "value", "T2", "error ratio", 0.01, "0.010", {"period": "this month"}),
        ("f7", "count", "A1", "incidents opened", 31, "31", {"period": "this month"}),
        ("f8", "count", "A1", "incidents closed", 29, "29", {"period": "this month"}),
        ("f9", "value", "A1", "cost of downtime", 8100, "€8,100", {"period": "this month"}),
        ("f10", "count", "A1", "overdue visits", 0, "0", {"universal": "none"}),
        ("f11", "duration", "A1", "mean time to repair", 140, "2 h 20 min", {"period": "this month"}),
    ],
    [
        "{f2} of {f1} devices are without data.",
        "This month {f3} of the device-minutes were healthy, {f4} more than last month.",
        "The share of healthy device-minutes rose by {f4} against last month.",
        "{T1} had the highest error ratio this month, {f5}.",
        "The error ratio of {T2} was {f6}.",
        "This month {f7} incidents opened and {f8} closed.",
        "Downtime cost {f9} this month.",
        "No visits are overdue. +f10",
        "There are no overdue visits. +f10",
        "The mean time to repair was {f11}.",
        "Currently {f2} devices send no data.",
        "The cost of downtime this month was {f9}.",
        "{f7} incidents were opened this month.",
        "On average a repair took {f11}.",
    ],
)
BY_HAND["third_fleet"] = """
    metric | {f2} devices are critical.
    metric | {f1} devices are without data.
    metric | {f3} of the devices were healthy this month.
    metric | {f8} incidents opened this month.
    metric | {f7} incidents closed this month.
    metric | This month {f8} incidents opened and {f7} closed.
    metric | {f7} incidents are open.
    metric | Repairs cost {f9}.
    metric | The mean time between failures was {f11}.
    metric | There were {f11} repairs.
    direction | The share of healthy device-minutes fell by {f4}.
    direction | The cost of downtime rose to {f9}.
    direction | The error ratio of {T1} rose to {f5}.
    direction | Incidents are up by {f4}.
    rank | {T2} had the highest error ratio, {f6}.
    rank | {T1} had the lowest error ratio this month, {f5}.
    rank | {T1} is the best type. +f5
    rank | {T1} had the most incidents. +f5 +f7
    comparison | {T1} has a lower error ratio than {T2}. +f5 +f6
    comparison | {T2} is worse than {T1}. +f5 +f6
    subject | {T1} lost {f9} to downtime.
    subject | {T2} had an error ratio of {f5}.
    subject | {f2} devices of {T1} are without data.
    subject | {T1} had {f7} incidents this month.
    universal | All incidents were closed. +f8
    universal | No incidents were opened. +f10
    universal | All visits are overdue. +f10
    universal | No visits are planned. +f10
    universal | No devices are overdue. +f10
    universal | All devices send data. +f1
    universal | The fleet is healthy. +f3
    negation | {f8} incidents were not closed.
    negation | {f2} devices are not without data.
    negation | There are no devices without data. +f10
    time | Last month {f3} of the device-minutes were healthy.
    time | Today {f7} incidents opened.
    time | The cost of downtime will be {f9} next month.
    cause | Downtime cost {f9} because {f7} incidents opened this month.
    cause | {T1} drove the cost of downtime to {f9}. +f5
    cause | Repairs in {f11} raised the healthy device-minutes by {f4}.
    judgement | The fleet is doing well at {f3}.
    quantity | A mere {f2} devices are without data.
    quantity | {f3} of the device-minutes were healthy, close to perfect.
    """
