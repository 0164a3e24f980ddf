"""A fourth set: as others might write theirs, facts with the fewest fields. Looked at while the rules were made."""

from __future__ import annotations

from narration_honest import World

WORLDS: dict[str, World] = {}
BY_HAND: dict[str, str] = {}

WORLDS["fourth"] = (
    "en",
    {"D1": "POS 3", "D2": "Kiosk 1", "S1": "Leeds", "S2": "York"},
    {"D1": "S1", "D2": "S2"},
    [
        ("f1", "value", "D1", "health score", 0.61, "0.61", {"period": "last 24 h"}),
        ("f2", "delta", "D1", "health score", -0.12, "0.12", {"period": "last 24 h", "direction": -1}),
        ("f3", "rank", "D1", "worst health", 1, "1", {"period": "last 24 h", "direction": -1}),
        (
            "f4",
            "share",
            "S1",
            "healthy devices",
            1.0,
            "100 %",
            {"period": "today", "unit": "%", "universal": "all"},
        ),
        (
            "f5",
            "count",
            "S1",
            "critical devices",
            0,
            "0",
            {"period": "today", "unit": "devices", "universal": "none"},
        ),
        ("f6", "state", "D1", "status", "critical", "critical", {"period": "now"}),
        ("f7", "duration", "D1", "time critical", 42, "42 min", {"period": "today", "unit": "min"}),
        ("f8", "cause", "D2", "root cause", "power loss", "power loss", {}),
        ("f9", "value", "D1", "cpu", 93.5, "93.5 %", {"period": "last 24 h", "unit": "%"}),
        (
            "f10",
            "delta",
            "D1",
            "cpu",
            40.2,
            "40.2 points",
            {"period": "last 24 h", "unit": "points", "direction": 1},
        ),
        ("f11", "value", "D2", "cpu", 20.0, "20.0 %", {"period": "last 24 h", "unit": "%"}),
        ("f12", "count", "S2", "open incidents", 3, "3", {"period": "now"}),
        ("f13", "moment", "D1", "last seen", "2026-11-21T08:00:00Z", "2026-11-21T08:00:00Z", {}),
        ("f14", "value", "D1", "memory", 71.0, "71.0 %", {"period": "last 24 h", "unit": "%"}),
        ("f15", "count", "D1", "errors", 12, "12", {"period": "last 24 h"}),
        ("f16", "value", "D2", "network latency", 31, "31 ms", {"period": "last 24 h", "unit": "ms"}),
        ("f17", "state", "D2", "status", "healthy", "healthy", {"period": "now"}),
    ],
    [
        "{D1} has a health score of {f1}.",
        "The health of {D1} stands at {f1}.",
        "Over the last day, the health of {D1} fell by {f2}.",
        "{D1} is the worst device by health. +f3",
        "{D1} has the worst health. +f3",
        "All devices at {S1} are healthy. +f4",
        "All devices at {S1} are healthy today ({f4}).",
        "There are no critical devices at {S1}. +f5",
        "No device at {S1} is critical. +f5",
        "No devices at {S1} were critical today. +f5",
        "{D1} is critical. +f6",
        "{D1} is currently critical and its CPU is at {f9}. +f6",
        "{D1} was critical for {f7}.",
        "{D1} has been critical for {f7} today. +f6",
        "The root cause at {D2} is {f8}.",
        "CPU of {D1} rose by {f10} to {f9}.",
        "CPU usage on {D1} increased by {f10}, reaching {f9}.",
        "{D1} uses more CPU than {D2}. +f9 +f11",
        "CPU on {D1} ({f9}) is higher than on {D2} ({f11}).",
        "{S2} has {f12} open incidents.",
        "There are {f12} open incidents at {S2}.",
        "{D1} was last seen at {f13}.",
        "Memory on {D1} is at {f14}.",
        "{D1} logged {f15} errors.",
        "{D1} had {f15} errors in the last day.",
        "Latency on {D2} is {f16}.",
        "Network latency for {D2} was {f16}.",
        "{D2} is healthy, whereas {D1} is critical. +f17 +f6",
        "{D2} remains healthy. +f17",
        "The health of {D1} may have dropped because CPU rose by {f10}. ? +f2",
        "The drop in health could be related to the rise in CPU of {D1}. ? +f2 +f10",
        "{D1} shows a health score of {f1}, down {f2}.",
        "{D1}: health {f1}, CPU {f9}, memory {f14}.",
        "Health on {D1} has decreased by {f2} to {f1}.",
        "With a health score of {f1}, {D1} is critical. +f6",
        "{D1} recorded {f15} errors and a CPU of {f9}.",
        "{D1} has a lower health score than before, by {f2}.",
        "{D1} is at {f9} CPU and {f14} memory.",
        "The device {D1} at site {S1} is in critical state. +f6",
        "{D1}, located at {S1}, is critical. +f6",
    ],
)
BY_HAND["fourth"] = """
    by hand | {D1} is healthy with a score of {f1}. +f6
    by hand | {D2} is critical. +f6
    by hand | {S2} has no critical devices. +f5
    by hand | All devices are healthy. +f4
    by hand | All sites are healthy. +f4
    by hand | Both sites are healthy. +f4
    by hand | {D1} has the best health. +f3
    by hand | {D2} has the worst health. +f3
    by hand | {D1} has recovered to {f1}.
    by hand | {D1} was seen at {f13} for the last time.
    by hand | {D1} was offline at {f13}.
    by hand | {D1} is offline. +f13
    by hand | {D1} caused errors: {f15}.
    by hand | {D1} fell by {f2} with CPU at {f9}.
    by hand | CPU at {f9} brought {D1} down by {f2}.
    by hand | {D1} and {D2} use {f9} of CPU.
    by hand | Errors on {D1} rose to {f15}.
    by hand | Memory on {D1} rose to {f14}. +f10
    by hand | Memory rose with CPU on {D1}, by {f10}.
    by hand | CPU and memory of {D1} are at {f9}.
    by hand | {D1} is critical because of {f8}. +f6
    by hand | {D1} failed because of CPU at {f9}.
    by hand | {f15} errors made {D1} critical. +f6
    by hand | {D1} will be critical. +f6
    by hand | {D1} has been critical since {f13}. +f6
    by hand | {D1} has been healthy since {f13}. +f17
    by hand | {D1} is critical at {S2}. +f6
    by hand | {S1} is critical. +f6
    by hand | {S2} is healthy. +f17
    by hand | The health score of {D1} is {f1}, the lowest at {S2}. +f3
    by hand | The latency of {D1} is {f16}.
    by hand | {D2} is slower than {D1}. +f16
    by hand | {D1} lost {f2} of its memory.
    by hand | {D1} is more critical than {D2}. +f6 +f17
    by hand | {D1} is less healthy than {D2}. +f6 +f17
    by hand | There is nothing wrong at {S1}. +f5
    by hand | Nothing at {S1} is critical. +f5
    by hand | {S1} had no errors. +f5
    by hand | No critical devices are healthy at {S1}. +f5
    by hand | {S1} has no devices. +f5
    by hand | No devices report from {S1}. +f5
    by hand | All devices at {S1} are healthy and all incidents are closed. +f4
    by hand | All critical devices at {S1} are healthy. +f4
    by hand | All devices at {S1} including {D1} are healthy. +f4
    by hand | All errors are closed. +f4
    by hand | {D1} was in maintenance for {f7}.
    by hand | {D1} has no errors. +f5
    by hand | {D1} was critical for {f7}, then recovered.
    by hand | {D1} was critical for {f7} until it was restarted.
    by hand | {D1} has a critical CPU of {f9}. +f6
    by hand | CPU of {D1} is critical at {f9}. +f6
    by hand | The errors of {D1} are critical. +f6 +f15
    by hand | {D1} is the device with the most errors, {f15}.
    by hand | {D1} is in a better state than {D2}. +f6 +f17
    by hand | The CPU of {D1} is higher than its memory. +f9 +f14
    by hand | {D1} has higher CPU than memory: {f9}. +f14
    by hand | {D2} has higher latency than {D1}. +f16 +f9
    by hand | {D1} is at {f14} CPU and {f9} memory.
    by hand | {D1}: health {f9}, CPU {f1}.
    by hand | {D1} uses less CPU than {D2}. +f9 +f11
    by hand | Health fell on {D1}, CPU rose: {f10} and {f2}.
    by hand | The CPU of {D1} rose by {f10} and fell by {f2}.
    by hand | {D1} had its worst day. +f3
    by hand | {D1} has been the worst device for {f7}. +f3
    by hand | Since {f13}, {D1} has had {f15} errors.
    by hand | {D1} was last healthy at {f13}. +f17
    by hand | {D1} last failed at {f13}.
    by hand | {D1} is known to be healthy. +f17
    by hand | {D1} is known as {D2}. +f6 +f17
    by hand | {D1} is {D2}. +f6 +f17
    by hand | {D1} gave {D2} a CPU of {f11}.
    by hand | In {S2}, {D1} is critical. +f6 +f12
    by hand | {S2} has {f12} open incidents, {D1} is one. +f6
    by hand | {S2} has {f12} open incidents, all critical. +f6
    by hand | {S2} has {f12} critical incidents.
    by hand | {S2} has {f12} incidents.
    by hand | {S2} had {f12} open incidents yesterday.
    by hand | {S1} and {S2} have {f12} open incidents.
    by hand | There are {f12} open incidents.
    by hand | {D2} is healthy, {D1} too. +f17 +f6
    by hand | {D2} is as healthy as {D1}. +f17 +f6
    by hand | {D1} is critical, as is {D2}. +f6 +f17
    by hand | {D1} is critical, like {D2}. +f6 +f17
    by hand | {D1} is critical, and so is {D2}. +f6 +f17
    by hand | {D2} is healthy, and the same goes for {D1}. +f17 +f6
    by hand | {D1} is critical and {D2}. +f6 +f17
    by hand | {D1} and {D2} have errors: {f15}. +f17
    by hand | Which is critical: {D1} or {D2}. +f6 +f17
    """
