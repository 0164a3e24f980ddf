"""A sixth set: the facts of the fourth, more attacks. Looked at while the rules were made."""

from __future__ import annotations

from narration_fourth import WORLDS as FOURTH
from narration_honest import World

_LANGUAGE, _SUBJECTS, _BELONGS, _FACTS, _ = FOURTH["fourth"]
WORLDS: dict[str, World] = {
    "sixth": (
        _LANGUAGE,
        _SUBJECTS,
        _BELONGS,
        _FACTS,
        [
            "{D1} is in a critical state and its health score has dropped by {f2}. +f6",
            "{D1} is critical; CPU is at {f9} and memory at {f14}. +f6",
            "Today, {D1} spent {f7} in a critical state.",
            "At {S2}, {f12} incidents are open.",
            "{S2} currently has {f12} incidents open.",
            "{f12} incidents are currently open at {S2}.",
            "The device with the worst health is {D1}. +f3",
            "Of all devices, {D1} has the worst health. +f3",
            "{D2} has a network latency of {f16} and is healthy. +f17",
            "The last data from {D1} was seen at {f13}.",
            "{D1} produced {f15} errors over the last day.",
            "The number of errors on {D1} was {f15}.",
            "{D1} had a CPU usage of {f9}, which is {f10} higher.",
            "{D2}'s root cause was {f8}.",
            "At {S1}, no devices are critical. +f5",
            "At {S1}, all devices are healthy. +f4",
            "Every device at {S1} is healthy today. +f4",
            "The health score of {D1} decreased by {f2}, and its CPU increased by {f10}.",
            "{D1} shows {f15} errors and memory usage of {f14}.",
            "{D1}'s health may have declined due to higher CPU. ? +f2 +f10",
            "It is possible that the CPU increase of {f10} affected the health of {D1}. ? +f2",
            "{D1} has a memory usage of {f14} and a CPU usage of {f9}.",
            "{D1} is critical, and {D2} is healthy. +f6 +f17",
            "Health of {D1}: {f1} ({f2} lower).",
            "CPU on {D1} jumped by {f10}.",
            "{D1} experienced a drop of {f2} in health.",
            "There was a drop of {f2} in the health score of {D1}.",
            "{D1} saw its CPU rise by {f10}.",
            "Compared with {D2}, {D1} has a higher CPU. +f9 +f11",
        ],
    )
}
BY_HAND: dict[str, str] = {
    "sixth": """
    by hand | {D1} spent {f7} offline today.
    by hand | {D1} spent {f7} at a CPU of {f9}.
    by hand | {D1} spent {f7} with {f15} errors.
    by hand | {D1} was critical for {f7} at {f13}.
    by hand | {D1} logged {f15} errors at {f13}.
    by hand | {D1} logged {f15} errors for {f7}.
    by hand | The health score fell for {f7} on {D1}. +f2
    by hand | {D1} fell by {f2} for {f7}.
    by hand | {D1} reached a CPU of {f14} and a memory of {f9}.
    by hand | {D1} is open. +f6
    by hand | {S2} is open. +f12
    by hand | {S2} is critical with {f12} incidents.
    by hand | {S2} has {f12} open incidents at {S1}.
    by hand | {D1} has {f12} open incidents.
    by hand | {D1} is the device with {f12} open incidents.
    by hand | {D2} belongs to {S1}. +f17 +f5
    by hand | {D1} moved to {S2}. +f6 +f12
    by hand | {D1} at {S1} has no errors. +f5
    by hand | At {S1}, no devices have errors. +f5
    by hand | At {S1}, none is unhealthy. +f5
    by hand | At {S1}, no devices are healthy. +f5
    by hand | At {S1}, no devices but {D1} are critical. +f5 +f6
    by hand | At {S1}, every device is critical. +f4 +f5
    by hand | Every device is healthy. +f4
    by hand | Every site is healthy. +f4 +f12
    by hand | All devices at {S1} and {S2} are healthy. +f4 +f12
    by hand | All devices at {S2} are healthy. +f4 +f12
    by hand | All incidents at {S2} are open. +f12
    by hand | All open incidents are at {S2}. +f12
    by hand | The errors of {D1} rose by {f10}. +f15
    by hand | The memory of {D1} rose by {f10}.
    by hand | {D1} rose by {f10}.
    by hand | The health of {D1} rose by {f10}.
    by hand | The health of {D1} fell by {f10}.
    by hand | The health of {D1} fell by {f2} to {f9}.
    by hand | The health of {D1} fell by {f2} to {f14}.
    by hand | The health and CPU of {D1} fell by {f2}.
    by hand | The health of {D1} and {D2} fell by {f2}.
    by hand | The health of {D1}, like that of {D2}, fell by {f2}.
    by hand | The health of {D1} fell, as did that of {D2}. +f2 +f17
    by hand | The health of {D1} rose, then fell by {f2}.
    by hand | The health of {D1} fell by {f2} and {D2}. +f17
    by hand | {D1} improved. +f2
    by hand | {D1} is improving. +f2
    by hand | CPU of {D1} improved by {f10}.
    by hand | CPU of {D1} worsened by {f10}.
    by hand | {D1} has better health than {D2}. +f1 +f17
    by hand | {D1} has the worst CPU. +f3 +f9
    by hand | {D1} has the worst memory, {f14}. +f3
    by hand | {D1} has the highest CPU, {f9}. +f3
    by hand | The site with the worst health is {S1}. +f3 +f5
    by hand | {S1} has the worst health. +f3 +f5
    by hand | {D1} is the worst. +f3
    by hand | {D2} is the cause at {D1}. +f8 +f6
    by hand | {D1} is critical because of {D2}. +f8 +f6
    by hand | {D1} is critical because of the {f8} at {D2}. +f6
    by hand | The cause of the critical state of {D1} is {f8}. +f6
    by hand | {f8} caused {D1} to be critical. +f6
    by hand | {f8} lowered the health of {D1}. +f2
    by hand | The root cause at {D1} is {f8}. +f6
    by hand | The root cause is {f8}.
    by hand | {D2} is healthy because of {f8}. +f17
    by hand | {D2} may be critical because of {f8}. ? +f17
    by hand | {D1} may be healthy because of {f9}. ? +f6
    by hand | The CPU of {D1} may have fallen because memory is at {f14}. ? +f10
    by hand | {D2} may have failed because CPU rose by {f10} on {D1}. ? +f17
    by hand | {D1} might be the worst because {D2} is down. ? +f3 +f17
    by hand | It is certain that {D1} is critical because CPU rose by {f10}. ? +f6
    by hand | {D1} may be critical; {D2} is critical. ? +f6 +f17
    by hand | Possibly {D2} has a CPU of {f9}. ? +f17
    by hand | {D1} was healthy, now it is critical. +f6
    by hand | {D1} became critical at {f13}. +f6
    by hand | {D1} turned critical {f7} later. +f6
    by hand | {D1} was last seen {f7} at {f13}.
    by hand | {D1} has not been seen since {f13}.
    by hand | {D1} has been silent since {f13}.
    by hand | {D1} sent its last data at {f13}. +f6
    by hand | Today the health of {D1} fell by {f2}.
    by hand | In the last hour {D1} had {f15} errors.
    by hand | In the last week {D1} had {f15} errors.
    by hand | {D1} had {f15} errors today.
    by hand | {D1} has {f15} errors now.
    by hand | {D1} now has a health score of {f1}.
    by hand | The CPU of {D1} is {f9} of its memory.
    by hand | {f9} of the memory of {D1} is {f14}.
    by hand | {f15} of {f12} incidents are open at {S2}.
    by hand | {f12} of the errors of {D1} are open.
    by hand | {D1} has {f15} of {f12} errors.
    """
}
