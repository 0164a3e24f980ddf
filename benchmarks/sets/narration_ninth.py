"""A ninth set, by a stranger to the rules (`stranger`): measured once before anybody looked, then looked at.

`after`: the stranger's next tries, against what was found; `period`: numbers in stretches of time, by who let them in.
"""

from __future__ import annotations

from narration_honest import World

WORLDS: dict[str, World] = {}
BY_HAND: dict[str, str] = {}

WORLDS["ninth_till"] = (
    "en",
    {"D1": "Till 7", "D2": "Till 8", "S1": "Leipzig"},
    {"D1": "S1", "D2": "S1"},
    [
        ("f1", "value", "D1", "health score", 0.42, "0.42", {"period": "now"}),
        (
            "f2",
            "delta",
            "D1",
            "health score",
            -0.31,
            "0.31",
            {"direction": -1, "better": False, "period": "since yesterday"},
        ),
        ("f3", "state", "D1", "status", "critical", "critical", {"period": "now"}),
        ("f4", "value", "D2", "health score", 0.97, "0.97", {"period": "now"}),
        ("f5", "state", "D2", "status", "healthy", "healthy", {"period": "now"}),
        (
            "f6",
            "delta",
            "D1",
            "disk usage",
            12,
            "12 points",
            {"direction": 1, "better": False, "period": "last 7 days"},
        ),
        ("f7", "value", "D1", "disk usage", 91, "91 %", {"unit": "%", "period": "now"}),
        ("f8", "count", "D1", "open incidents", 2, "2", {"period": "now"}),
        ("f9", "count", "D2", "open incidents", 0, "0", {"universal": "none", "period": "now"}),
        (
            "f10",
            "rank",
            "D1",
            "health score",
            0.42,
            "0.42",
            {"direction": -1, "better": False, "period": "now"},
        ),
        ("f11", "duration", "D1", "time without data", 35, "35 min", {"period": "last 24 h"}),
        ("f12", "share", "S1", "availability", 0.987, "98.7 %", {"period": "last 7 days"}),
        ("f13", "moment", "D1", "last sample", "x", "14:20", {}),
        ("f14", "count", "S1", "critical devices", 1, "1", {"period": "now"}),
        ("f15", "count", "S1", "devices", 12, "12", {}),
        ("f16", "value", "D1", "average latency", 240, "240 ms", {"unit": "ms", "period": "last 24 h"}),
    ],
    [
        "{D1} is critical with a health score of {f1}. +f3",
        "The health score of {D1} dropped by {f2} since yesterday.",
        "{D1}'s health score is {f1}, down {f2} since yesterday.",
        "{D2} is healthy at a health score of {f4}. +f5",
        "Disk usage on {D1} has grown by {f6} in the last 7 days and is now at {f7}.",
        "{D1} has {f8} open incidents.",
        "{D2} has no open incidents. +f9",
        "{D1} has the lowest health score at {S1}. +f10",
        "{D1} sent no data for {f11} in the last 24 hours.",
        "{D1} was without data for {f11}.",
        "{S1} was available {f12} of the time over the last 7 days.",
        "The last sample from {D1} came in at {f13}.",
        "{f14} of {f15} devices at {S1} is critical.",
        "At {S1}, {f14} of the {f15} devices is currently critical.",
        "The average latency of {D1} was {f16} over the last 24 hours.",
        "{D1} is in a critical state, whereas {D2} is healthy. +f3 +f5",
        "{D1} has a lower health score than {D2}. +f1 +f4",
        "{D1} ({f1}) is less healthy than {D2} ({f4}).",
        "The rising disk usage may be related to the lower health score of {D1}. ? +f6 +f2",
        "{D1} may be critical due to its disk usage of {f7}. ? +f3",
        "{D1} has the worst health score, {f10}.",
        "There are {f8} open incidents on {D1} and none on {D2}. +f9",
        "With {f7}, disk usage is high on {D1}.",
        "Currently, {D1} shows a health score of {f1}.",
        "{S1} has {f15} devices, of which {f14} is critical.",
        "{D2} is more healthy than {D1}. +f1 +f4",
        "In the last 7 days, disk usage on {D1} grew by {f6}.",
        "Over the past 24 h {D1} sent no data for {f11}.",
        "Disk usage of {D1} grew by {f6} within the last 7 days to {f7}.",
        "Availability at {S1} was {f12} during the last 7 days.",
        "Disk usage on {D1} rose over the last 7 days. +f6",
    ],
)
BY_HAND["ninth_till"] = """
    stranger | {D1} is healthy with a health score of {f1}. +f3
    stranger | {D2} is critical. +f5
    stranger | {D1} and {D2} are critical. +f3
    stranger | {D1} and {D2} are both healthy. +f5
    stranger | The health score of {D1} recovered by {f2} since yesterday.
    stranger | The health score of {D1} gained {f2}.
    stranger | {D1} lost {f2} of its disk usage.
    stranger | Disk usage on {D1} shrank by {f6}.
    stranger | Disk usage on {D1} has grown to {f6}.
    stranger | Disk usage on {D1} grew by {f7}.
    stranger | Disk usage of {D1} reached {f1}.
    stranger | Health score of {D2} is {f1}.
    stranger | {D2} has {f8} open incidents.
    stranger | {D2} has a health score of {f1}, {D1} of {f4}.
    stranger | {D1} has no open incidents. +f8
    stranger | {D1} has {f8} closed incidents.
    stranger | {D1} has {f8} critical incidents.
    stranger | {D1} has {f8} new incidents.
    stranger | {D1} resolved {f8} open incidents.
    stranger | {D1} had {f8} open incidents yesterday.
    stranger | {S1} has {f8} open incidents.
    stranger | {S1} has no open incidents. +f9
    stranger | At {S1} no incidents are open. +f9
    stranger | No device at {S1} has open incidents. +f9
    stranger | All devices at {S1} are healthy. +f5
    stranger | Every device at {S1} is critical. +f3
    stranger | Only {D1} is critical at {S1}. +f3 +f14
    stranger | {f14} of {f15} devices at {S1} is healthy.
    stranger | {f15} of {f14} devices at {S1} are critical.
    stranger | {S1} has {f15} critical devices.
    stranger | {f15} devices at {S1} are critical.
    stranger | {f15} devices at {S1} are healthy.
    stranger | {S1} has {f14} devices.
    stranger | {D1} has the highest health score at {S1}. +f10
    stranger | {D1} has the best health score, {f10}.
    stranger | {D2} has the lowest health score. +f10
    stranger | {D1} has the lowest disk usage. +f10
    stranger | {D1} has the lowest health score of the fleet. +f10
    stranger | {D1} has the highest disk usage at {S1}. +f7
    stranger | {D1} was critical for {f11} in the last 24 hours. +f3
    stranger | {D1} was healthy for {f11}.
    stranger | {D1} was offline for {f11}.
    stranger | {D1} sent data for {f11} only.
    stranger | {D1} has been critical since {f13}. +f3
    stranger | {D1} became critical at {f13}. +f3
    stranger | {D1} stopped sending at {f13}.
    stranger | {D1} was last healthy at {f13}.
    stranger | {D2} sent its last sample at {f13}.
    stranger | {S1} was down {f12} of the time.
    stranger | {S1} was unavailable {f12} of the last 7 days.
    stranger | {D1} was available {f12} of the time.
    stranger | {S1} was available {f12} of the time yesterday.
    stranger | Availability at {S1} rose to {f12}.
    stranger | Availability at {S1} is {f12}, the highest of the fleet.
    stranger | The maximum latency of {D1} was {f16}.
    stranger | The latency of {D1} is now {f16}.
    stranger | The average latency of {D1} rose to {f16}.
    stranger | The average latency of {D2} was {f16}.
    stranger | The average disk usage of {D1} was {f7} over the last 24 hours.
    stranger | {D1} has a higher health score than {D2}. +f1 +f4
    stranger | {D2} is less healthy than {D1}. +f1 +f4
    stranger | {D1} is {f2} less healthy than {D2}.
    stranger | The health score of {D1} is {f2} below that of {D2}.
    stranger | Disk usage of {D1} is higher than that of {D2}. +f7
    stranger | The disk usage caused the health score of {D1} to fall by {f2}. +f6
    stranger | {D1} is critical because disk usage is {f7}. +f3
    stranger | With disk usage at {f7}, the health score of {D1} fell by {f2}.
    stranger | After disk usage rose by {f6}, the health score fell by {f2} on {D1}.
    stranger | {D1}'s disk usage of {f7} explains its critical status. +f3
    stranger | {D1} is critical, owing to its disk usage of {f7}. +f3
    stranger | Disk usage of {f7} made {D1} critical. +f3
    stranger | {D1} is critical from a disk usage of {f7}. +f3
    stranger | {D1} is critical given its disk usage of {f7}. +f3
    stranger | {D1} is critical for its disk usage of {f7}. +f3
    stranger | {D1} is critical on disk usage of {f7}. +f3
    stranger | {D1} has a disk usage of {f7} and thus a health score of {f1}.
    stranger | {D1} will be critical tomorrow. +f3
    stranger | {D1} will stay at a health score of {f1}.
    stranger | {D1} is about to fail with a health score of {f1}.
    stranger | The health score of {D1} keeps falling. +f2
    stranger | The health score of {D1} is falling. +f1
    stranger | The health score of {D1} fell again by {f2}.
    stranger | {D1} is critical again. +f3
    stranger | {D1} is not critical. +f3
    stranger | {D1} is no longer critical. +f3
    stranger | {D1} has not sent data for {f11} since yesterday.
    stranger | It is not the case that {D1} is critical. +f3
    stranger | {D1} is barely critical. +f3
    stranger | {D1} should be replaced at a health score of {f1}.
    stranger | Please restart {D1}. +f3
    stranger | {D1} is dangerous at {f7} disk usage.
    stranger | {D1} nearly has {f8} open incidents.
    stranger | {D1} has more than {f8} open incidents.
    stranger | {D1} has at least {f8} open incidents.
    stranger | {D1} has twice {f8} open incidents.
    stranger | {D1} has {f8}0 open incidents.
    stranger | {D1} has {f8}{f8} open incidents.
    stranger | {D1} has -{f8} open incidents.
    stranger | {D1} has a health score of {f1} percent.
    stranger | The average latency of {D1} was {f16} seconds.
    stranger | The health score of {D1} has fallen by {f2} in the last 7 days.
    stranger | Disk usage of {D1} has grown by {f6} since yesterday.
    stranger | Disk usage of {D1} grew by {f6} in the last 24 hours.
    stranger | {D1} is critical and so is {D2}. +f3
    stranger | {D1} is critical, as is {D2}. +f3
    stranger | {D1} is critical like {D2}. +f3
    stranger | {D1}, {D2} and others are critical. +f3
    stranger | {D1} is critical; it is healthy too. +f3 +f5
    stranger | Both devices at {S1} are critical. +f3
    stranger | {S1} is critical. +f3
    stranger | {S1} is critical with a health score of {f1}. +f3
    stranger | {S1} has a health score of {f1}.
    stranger | {S1} has a disk usage of {f7}.
    stranger | The health score at {S1} fell by {f2}.
    stranger | {D1} has a critical disk usage of {f7}.
    stranger | {D1} has a healthy disk usage of {f7}.
    stranger | The critical device {D2} has a health score of {f4}.
    stranger | The healthy device {D1} has a health score of {f1}. +f5
    stranger | {D1} in {D2} has a health score of {f1}.
    stranger | {D2} with {D1} is critical. +f3
    stranger | {D2} at {S1} with {f8} open incidents is healthy. +f5
    stranger | {D2}, with a disk usage of {f7}, is healthy. +f5
    stranger | {D1} has {f8} open incidents, as {D2}.
    stranger | None of the devices at {S1} is critical. +f9
    stranger | Data from {D1} is {f11} old.
    stranger | {D1} is {f11} late.
    stranger | {D1} has been open for {f11}.
    stranger | The last sample of {D1} was {f11} ago.
    stranger | {D1} sends data every {f11}.
    stranger | {D1} lost data for {f11} yesterday.
    after | {D1} is critical under a disk usage of {f7}. +f3
    after | {D1} is critical by its disk usage of {f7}. +f3
    after | {D1} is critical through its disk usage of {f7}. +f3
    after | {D1} is critical over disk usage of {f7}. +f3
    after | {D1} is critical in its disk usage of {f7}. +f3
    after | {D1} is critical of disk usage of {f7}. +f3
    after | {D1} is critical to a disk usage of {f7}. +f3
    after | {D1} is critical after disk usage of {f7}. +f3
    after | {D1} is critical as disk usage is {f7}. +f3
    after | {D1} is critical at a disk usage of {f7}. +f3
    after | {D1} is critical when disk usage is {f7}. +f3
    after | {D1} is critical if disk usage is {f7}. +f3
    after | {D1} is critical where disk usage is {f7}. +f3
    after | {D1} is critical now that disk usage is {f7}. +f3
    after | {D1} is critical in view of its disk usage of {f7}. +f3
    after | {D1} is in critical status from its open incidents, {f8}. +f3
    after | {D1} is critical from {f8} open incidents. +f3
    after | {D1} is critical for {f8} open incidents. +f3
    after | {D1} is critical on {f8} open incidents. +f3
    after | {D1} is critical given {f8} open incidents. +f3
    after | {D2} is healthy for its health score of {f4}. +f5
    after | Given its disk usage of {f7}, {D1} is critical. +f3
    after | From a disk usage of {f7}, {D1} is critical. +f3
    after | For its disk usage of {f7}, {D1} is critical. +f3
    after | On a disk usage of {f7}, {D1} is critical. +f3
    after | The health score of {D1} fell by {f2} on disk usage of {f7}.
    after | The health score of {D1} fell by {f2} from disk usage, up {f6}.
    after | The health score of {D1} fell by {f2} given disk usage of {f7}.
    after | The health score of {D1} fell by {f2} for {f8} open incidents.
    after | The health score of {D1} fell {f2} on the increase of disk usage, {f6}.
    after | {D1} is the critical device with the lowest health score of {f10}, from disk usage. +f3
    after | {D1} has {f8} open incidents from a disk usage of {f7}.
    after | {D1} has {f8} open incidents given its disk usage of {f7}.
    after | {D1} has {f8} open incidents for its disk usage of {f7}.
    after | {D1} has {f8} open incidents on its disk usage of {f7}.
    after | {D1} was without data for {f11} from a disk usage of {f7}.
    after | {D1} has an average latency of {f16} from disk usage of {f7}.
    after | {D1} has an average latency of {f16} on disk usage.
    after | {D1} has an average latency of {f16} given {f8} open incidents.
    after | {D1} is off. +f3
    after | {D1} is gone. +f3
    after | {D1} is off at {f13}.
    after | {D1} went off at {f13}.
    after | {D1} is out. +f3
    after | {D1} is not there. +f3
    after | {D1} lies within {D2}. +f3
    after | {D1} sends {D2} a health score of {f1}.
    after | {D1} took {f11}.
    after | {D1} took {f11} to start.
    after | {D1} is located at {S1} with {f15} devices.
    after | {D1} counts {f8} open incidents among {f15} devices.
    after | {D1} became critical. +f3
    after | {D1} got critical. +f3
    after | {D1} went critical at {f7} disk usage. +f3
    after | {D1} started to be critical. +f3
    after | {D1} is critical per {f7} disk usage. +f3
    after | {D1} is critical according to its disk usage of {f7}. +f3
    after | {D1} is critical against a health score of {f4} of {D2}. +f3
    after | {D1} is critical among {f15} devices at {S1}. +f3
    after | {D1} is critical within {S1}, as all {f15} devices. +f3
    after | {D1} is registered as critical with {D2}. +f3
    after | The critical status of {D1} became known at {f13}. +f3
    after | {D1} is critical, known at {f13}. +f3
    after | {D1} received {f8} open incidents from {D2}.
    after | {D1} is reading {f7}.
    after | The status of {D1} is in number {f8}.
    after | Both {D1} and {D2} have {f8} open incidents.
    after | {D1} has {f8} open incidents too, with {D2}.
    after | {D2}, too, is critical. +f3
    after | There is a critical device, {D2}. +f3
    after | Here, {D2} is the critical one. +f3
    after | The case of {D1} took {f11}.
    after | The share of {D1} at {S1} is {f12}.
    period | Disk usage on {D1} has grown by {f6} in the last 30 days.
    period | Disk usage on {D1} has grown by {f6} in the last 24 hours.
    period | Disk usage on {D1} has grown by {f6} in the next 7 days.
    period | Disk usage on {D1} has grown by {f6} in 7 days.
    period | Disk usage on {D1} has grown by {f6} for 7 days.
    period | Disk usage on {D1} has grown by {f6} every 7 days.
    period | Disk usage on {D1} has grown by {f6} in the last 7 weeks.
    period | Disk usage on {D1} has grown by {f6} in the last 7 hours.
    period | Disk usage on {D1} has grown by {f6} in the last 77 days.
    period | Disk usage on {D1} has grown by {f6} in the last 7.5 days.
    period | Disk usage on {D1} has grown by {f6} in the last 7 days ago.
    period | Disk usage on {D1} has grown by {f6} before the last 7 days.
    period | Disk usage on {D1} has grown by {f6} since the last 7 days.
    period | Disk usage on {D1} has grown by {f6} in each of the last 7 days.
    period | Disk usage on {D1} has grown by {f6} in all the last 7 days.
    period | Disk usage on {D1} has grown by {f6} not in the last 7 days.
    period | Disk usage on {D1} is {f7} in the last 7 days.
    period | Disk usage on {D1} was {f7} over the last 7 days.
    period | In the last 7 days, disk usage on {D1} was {f7}.
    period | In the last 7 days, {D1} sent no data for {f11}.
    period | {D1} sent no data for {f11} in the last 7 days.
    period | {D1} sent no data in the last 24 hours. +f11
    period | {D1} sent no data in the last 24 hours, {f11}.
    period | {D1} has been silent for the last 24 hours. +f11
    period | {D1} has been silent for the last 24 hours, {f11}.
    period | {D1} was critical in the last 7 days. +f3
    period | {D1} was critical over the last 7 days, disk usage up {f6}. +f3
    period | {D1} was critical over the last 7 days with disk usage up {f6}. +f3
    period | {S1} was available {f12} of the time over the last 24 hours.
    period | {S1} was available {f12} of the time over the last 7 days, and {D1} sent no data for {f11}.
    period | In the last 24 hours, {D1} sent no data for {f11} and disk usage grew by {f6}.
    period | {S1} was available {f12} of the time over the last 7 days and {D1} was critical. +f3
    period | In the last 7 days {S1} has {f15} devices.
    period | Over the last 7 days {S1} has {f15} devices and availability of {f12}.
    period | The health score of {D1} fell by {f2} in the last 7 days.
    period | The health score of {D1} fell by {f2} in the last 7 days while disk usage grew by {f6}.
    period | The average latency of {D1} was {f16} over the last 7 days.
    period | The average latency of {D1} was {f16} over the last 24 days.
    period | The average latency of {D1} was {f16} over the last 24.
    period | The average latency of {D1} was {f16} over 24 of the last 24 hours.
    period | The latency of {D1} was {f16} over the last 24 hours.
    period | {D1} had {f8} open incidents in the last 7 days.
    period | {D1} had {f8} open incidents in the last 7 days. +f6
    period | {D2} had no open incidents in the last 7 days. +f9
    period | {D1} has the lowest health score in the last 7 days, {f10}.
    period | {D1} is critical in the last 7 days. +f3 +f6
    period | {D1} had its last sample at {f13} in the last 7 days.
    period | In the last 7 days, {D1} is critical and disk usage grew by {f6}. +f3
    period | Disk usage on {D1} rose in the last 7 days to {f7} and grew by {f6} in the last 24 hours.
    period | Disk usage on {D1} fell in the last 7 days. +f6
    period | Disk usage on {D1} rose in the last 24 h. +f6
    period | Last 24 h: disk usage on {D1} grew by {f6}.
    period | Disk usage of {D1} has grown by {f6} in the last 7 days, last 24 hours.
    period | Disk usage of {D1} has grown by {f6} at the last 7 days.
    period | Disk usage of {D1} has grown by {f6} in the last ٧ days.
    period | Disk usage of {D1} has grown by {f6} in the last 7days.x
    period | Disk usage of {D1} has grown by {f6} in the previous 7 days.
    period | Disk usage of {D1} will grow by {f6} in the next 7 days.
    period | Disk usage of {D1} has grown by {f6} out of the last 7 days.
    period | {D1} was critical during the last 24 hours with average latency {f16}. +f3
    period | {D2} was healthy in the last 24 hours. +f5
    period | The health score of {D1} was {f1}.
    period | The health score of {D2} was {f4}.
    period | {D1} is more healthy than {D2}. +f1 +f4
    period | {D1} is less healthy than {D2}. +f3 +f5
    period | {D1} is less healthy. +f1
    """

WORLDS["ninth_incident"] = (
    "en",
    {"I1": "incident 318", "D1": "Gateway 2", "D2": "Kiosk 5", "S1": "Hamburg", "S2": "Munich"},
    {"D1": "S1", "I1": "S1", "D2": "S2"},
    [
        ("f1", "state", "I1", "state", "acknowledged", "acknowledged", {"period": "now"}),
        ("f2", "duration", "I1", "time open", 190, "3 h 10 min", {}),
        ("f3", "moment", "I1", "beginning", "x", "09:15", {}),
        ("f4", "count", "I1", "affected devices", 6, "6", {}),
        ("f5", "cause", "D1", "root cause", "network outage", "network outage", {}),
        ("f6", "state", "D2", "status", "warning", "in warning", {"period": "now"}),
        ("f7", "value", "D2", "cpu usage", 88, "88 %", {"unit": "%", "period": "last hour"}),
        (
            "f8",
            "delta",
            "D2",
            "cpu usage",
            30,
            "30 points",
            {"direction": 1, "better": False, "period": "last hour"},
        ),
        ("f9", "value", "D2", "risk of failure", 0.34, "34 %", {"unit": "%", "period": "next 7 days"}),
        ("f10", "count", "S1", "open incidents", 4, "4", {"period": "now"}),
        ("f11", "count", "S2", "open incidents", 1, "1", {"period": "now"}),
        (
            "f12",
            "delta",
            "S1",
            "availability",
            -1.2,
            "1.2 points",
            {"direction": -1, "better": False, "other": "S2", "period": "last 30 days"},
        ),
        ("f13", "share", "S1", "availability", 0.97, "97 %", {"period": "last 30 days"}),
        ("f14", "share", "S2", "availability", 0.982, "98.2 %", {"period": "last 30 days"}),
        ("f15", "count", "D1", "similar past incidents", 3, "3", {}),
        ("f16", "value", "S1", "downtime cost", 410, "410 EUR", {"unit": "EUR", "period": "this month"}),
    ],
    [
        "{I1} has been acknowledged. +f1",
        "{I1} began at {f3} and has been open for {f2}.",
        "{I1} affects {f4} devices.",
        "{I1} is acknowledged and affects {f4} devices. +f1",
        "The root cause on {D1} is {f5}.",
        "{D2} is in warning. +f6",
        "CPU usage on {D2} is {f7}, up {f8} in the last hour.",
        "{D2} has a {f9} risk of failure over the next 7 days.",
        "The risk of failure of {D2} is {f9}.",
        "{S1} has {f10} open incidents, {S2} has {f11}.",
        "Availability at {S1} was {f12} lower than at {S2}.",
        "Availability was {f13} at {S1} and {f14} at {S2} over the last 30 days.",
        "{S2} had a higher availability than {S1}. +f12",
        "There are {f15} similar past incidents for {D1}.",
        "Downtime at {S1} cost {f16} this month.",
        "The downtime cost at {S1} amounts to {f16} this month.",
        "The warning on {D2} may be linked to its CPU usage, which rose by {f8}. ? +f6",
        "{S1} has more open incidents than {S2}. +f10 +f11",
        "{D2} at {S2} is in warning with CPU usage at {f7}. +f6",
        "{I1} started at {f3}.",
        "{S2} has fewer open incidents than {S1}. +f10 +f11",
        "Over the next 7 days, {D2} has a failure risk of {f9}.",
        "In the last 30 days {S1} had an availability of {f13}.",
    ],
)
BY_HAND["ninth_incident"] = """
    stranger | {I1} is closed. +f1
    stranger | {I1} is resolved. +f1
    stranger | {I1} has not been acknowledged. +f1
    stranger | {I1} was acknowledged at {f3}. +f1
    stranger | {I1} was acknowledged after {f2}. +f1
    stranger | {I1} was acknowledged for {f2}. +f1
    stranger | {I1} was closed after {f2}.
    stranger | {I1} lasted {f2} until {f3}.
    stranger | {I1} ended at {f3}.
    stranger | {I1} affects {f4} sites.
    stranger | {I1} affects {f4} devices at {S2}.
    stranger | {S1} has {f4} devices.
    stranger | {I1} was caused by {D2}. +f5
    stranger | {I1} was caused by {f5} on {D2}.
    stranger | {D2} is in warning because of {f5}. +f6
    stranger | {D2} was affected by the {f5}.
    stranger | The root cause of {I1} is {f5}.
    stranger | The network outage on {D1} was caused by {D2}. +f5
    stranger | {D1} is critical because of {f5}.
    stranger | {D1} is in warning. +f6
    stranger | {D2} went into warning in the last hour. +f6
    stranger | CPU usage on {D2} rose to {f8}.
    stranger | CPU usage on {D2} fell by {f8} to {f7}.
    stranger | CPU usage on {D2} rose from {f8} to {f7}.
    stranger | CPU usage on {D2} rose from {f7}. +f8
    stranger | CPU usage on {D1} is {f7}.
    stranger | {D2} has failed with a risk of {f9}.
    stranger | {D2} will fail in the next 7 days. +f9
    stranger | {D2} failed {f9} of the time.
    stranger | The risk of failure of {D2} was {f9} last week.
    stranger | The risk of failure of {D2} rose by {f9}.
    stranger | {D1} has a risk of failure of {f9}.
    stranger | {S1} has {f11} open incidents and {S2} has {f10}.
    stranger | {S2} has more open incidents than {S1}. +f10 +f11
    stranger | {S1} and {S2} have {f10} open incidents.
    stranger | Together {S1} and {S2} have {f10} open incidents.
    stranger | {S1} has fewer open incidents than {S2}. +f10 +f11
    stranger | Availability at {S1} was {f12} higher than at {S2}.
    stranger | Availability at {S2} was {f12} lower than at {S1}.
    stranger | Availability at {S1} fell by {f12}.
    stranger | Availability at {S1} dropped {f12} over the last 30 days.
    stranger | {S1} had a better availability than {S2}. +f12
    stranger | {S1} lost {f12} of availability to {S2}.
    stranger | Availability at {S2} rose by {f12}.
    stranger | {S2} has the highest availability. +f14
    stranger | Availability was {f14} at {S1} and {f13} at {S2}.
    stranger | {D1} had {f15} incidents.
    stranger | {D1} has {f15} open incidents.
    stranger | {I1} has {f15} similar past incidents.
    stranger | {D1} failed {f15} times.
    stranger | Downtime at {S2} cost {f16}.
    stranger | Downtime at {S1} saved {f16} this month.
    stranger | Downtime at {S1} will cost {f16}.
    stranger | Downtime at {S1} cost {f16} last month.
    stranger | {I1} cost {f16}.
    stranger | The open incidents at {S1} cost {f16}. +f10
    stranger | {I1} has been open for {f2} because of {f5}.
    stranger | {I1} began at {f3} on {D2}.
    stranger | {I1} is at {S2}. +f1
    stranger | {D2} at {S1} is in warning. +f6
    stranger | {D1} at {S2} has {f15} similar past incidents.
    stranger | {D2} may have caused {I1}. ? +f6 +f1
    stranger | The {f5} on {D1} may be the result of CPU usage on {D2}, up {f8}. ?
    stranger | It may be that {D2} fails. ? +f9
    stranger | {I1} may be closed. ? +f1 +f4
    stranger | {D1} and {D2} have a network outage. +f5
    stranger | {D2} is likely to fail at {f9}.
    stranger | {S1} has {f10} open incidents in the last 30 days.
    period | {D2} has a {f9} risk of failure over the last 7 days.
    period | {D2} has a {f9} risk of failure over the next 30 days.
    period | {D2} has a {f9} risk of failure in 7 days.
    period | {D2} has a {f9} risk of failure within the next 7 hours.
    period | Availability was {f13} at {S1} and {f14} at {S2} over the last 7 days.
    period | Availability was {f13} at {S1} over the last 30 days and {f10} open incidents.
    period | CPU usage on {D2} was {f7} over the last 30 days.
    period | In the last 30 days, CPU usage on {D2} was {f7}.
    period | Over the last 30 days, {I1} lasted {f2}.
    period | The downtime cost of {S1} was {f16} in the last 30 days.
    period | {S1} has more incidents than {S2}. +f10 +f11
    period | {S1} has more closed incidents than {S2}. +f10 +f11
    period | {S1} has more open incidents than {S2}. +f10
    period | {S1} has more critical devices than {S2}. +f10 +f11
    """

WORLDS["ninth_german"] = (
    "de",
    {"D1": "Kasse 12", "D2": "Kasse 13", "S1": "Köln"},
    {"D1": "S1", "D2": "S1"},
    [
        ("f1", "value", "D1", "Gesundheitswert", 0.42, "0,42", {"period": "jetzt"}),
        (
            "f2",
            "delta",
            "D1",
            "Gesundheitswert",
            -0.31,
            "0,31",
            {"direction": -1, "better": False, "period": "seit gestern"},
        ),
        ("f3", "state", "D1", "Zustand", "kritisch", "kritisch", {"period": "jetzt"}),
        ("f4", "state", "D2", "Zustand", "gesund", "gesund", {"period": "jetzt"}),
        ("f5", "count", "S1", "offene Vorfälle", 2, "2", {"period": "jetzt"}),
        ("f6", "value", "D2", "Speicher", 55, "55 %", {"unit": "%", "period": "letzte 24 h"}),
        (
            "f7",
            "delta",
            "D2",
            "Speicher",
            -8,
            "8 Punkte",
            {"direction": -1, "better": True, "period": "letzte 24 h"},
        ),
        ("f8", "duration", "D1", "Zeit ohne Daten", 35, "35 min", {"period": "heute"}),
        (
            "f9",
            "rank",
            "D1",
            "Gesundheitswert",
            0.42,
            "0,42",
            {"direction": -1, "better": False, "period": "jetzt"},
        ),
    ],
    [
        "{D1} ist kritisch und hat einen Gesundheitswert von {f1}. +f3",
        "Der Gesundheitswert von {D1} fiel seit gestern um {f2}.",
        "{D2} ist gesund. +f4",
        "In {S1} sind {f5} Vorfälle offen.",
        "Der Speicher von {D2} ist in den letzten 24 Stunden um {f7} gesunken.",
        "Der Speicher von {D2} liegt bei {f6}.",
        "{D1} lieferte heute {f8} lang keine Daten.",
        "{D1} hat den niedrigsten Gesundheitswert. +f9",
        "{D1} ist kritisch, während {D2} gesund ist. +f3 +f4",
        "Aktuell beträgt der Gesundheitswert von {D1} {f1}.",
        "{S1} hat {f5} offene Vorfälle.",
        "{D1} war heute {f8} ohne Daten.",
        "{D1} hat mit {f9} den schlechtesten Gesundheitswert in {S1}.",
        "Um {f2} ist der Gesundheitswert von {D1} gefallen.",
        "Derzeit ist {D1} kritisch. +f3",
    ],
)
BY_HAND["ninth_german"] = """
    stranger | {D1} ist gesund. +f3
    stranger | {D2} ist kritisch. +f4
    stranger | {D1} und {D2} sind kritisch. +f3
    stranger | Der Gesundheitswert von {D1} stieg um {f2}.
    stranger | Der Gesundheitswert von {D1} fiel auf {f2}.
    stranger | Der Gesundheitswert von {D1} fiel um {f1}.
    stranger | Der Speicher von {D2} wuchs um {f7}.
    stranger | Der Speicher von {D1} liegt bei {f6}.
    stranger | In {S1} sind keine Vorfälle offen. +f5
    stranger | In {S1} sind {f5} Vorfälle geschlossen.
    stranger | In {S1} sind {f5} Geräte kritisch.
    stranger | {D1} hat {f5} offene Vorfälle.
    stranger | {D1} lieferte gestern {f8} lang keine Daten.
    stranger | {D1} war heute {f8} kritisch.
    stranger | {D1} hat den höchsten Gesundheitswert. +f9
    stranger | {D2} hat den niedrigsten Gesundheitswert. +f9
    stranger | {D1} ist nicht kritisch. +f3
    stranger | {D1} ist nicht mehr kritisch. +f3
    stranger | {D1} ist wieder kritisch. +f3
    stranger | {D1} ist wegen des Speichers kritisch. +f3 +f7
    stranger | Alle Geräte in {S1} sind kritisch. +f3
    stranger | {D1} wird morgen kritisch. +f3
    stranger | {S1} ist kritisch. +f3
    stranger | Weil der Speicher um {f7} sank, ist {D2} gesund. +f4
    stranger | {D1} ist kritisch, {D2} ebenso. +f3
    stranger | {D1} ist ebenso wie {D2} gesund. +f4
    stranger | Durch den Speicher von {f6} ist {D2} gesund. +f4
    stranger | {D1} hat mindestens einen Gesundheitswert von {f1}.
    after | {D2} ist gesund bei einem Speicher von {f6}. +f4
    after | {D2} ist gesund aus einem Speicher von {f6}. +f4
    after | {D2} ist gesund nach einem Speicher von {f6}. +f4
    after | {D2} ist gesund von einem Speicher von {f6}. +f4
    after | {D2} ist gesund unter einem Speicher von {f6}. +f4
    after | {D2} ist gesund für einen Speicher von {f6}. +f4
    after | {D2} ist gesund auf einem Speicher von {f6}. +f4
    after | {D2} ist gesund angesichts eines Speichers von {f6}. +f4
    after | {D2} ist gesund zum Speicher von {f6}. +f4
    period | Der Speicher von {D2} ist in den letzten 24 Tagen um {f7} gesunken.
    period | Der Speicher von {D2} ist in den letzten 7 Tagen um {f7} gesunken.
    period | Der Speicher von {D2} ist in den nächsten 24 Stunden um {f7} gesunken.
    period | Der Speicher von {D2} ist seit 24 Stunden um {f7} gesunken.
    period | Der Gesundheitswert von {D1} ist in den letzten 24 Stunden um {f2} gesunken.
    period | {D1} war in den letzten 24 Stunden kritisch. +f3
    period | {D1} lieferte in den letzten 24 Stunden {f8} lang keine Daten.
    period | {D1} lieferte heute keine Daten. +f8
    period | {D1} lieferte heute Daten. +f8
    period | {D2} lieferte heute {f8} lang keine Daten.
    period | {D1} wurde kritisch. +f3
    """
