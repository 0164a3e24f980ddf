"""Why a probability is what it is: what it would be if one thing about the device were as usual."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from homepot_ai.fleet import metrics
from homepot_ai.prediction.calibration import logit
from homepot_ai.prediction.encoding import positions
from homepot_ai.prediction.features import Feature
from homepot_ai.prediction.hazard import FailureModel
from homepot_ai.prediction.records import Fact

#: Facts told of a device, and the least change of the log odds that is worth telling.
TOLD = 5
LEAST = 0.05


def explain(
    model: FailureModel, x: npt.NDArray[np.float32], kinds: npt.NDArray[np.str_], window: int
) -> list[tuple[Fact, ...]]:
    """The facts of each row, strongest first.

    Everything about one measure or event is set to what is usual for the kind at once (its level alone would
    be made up for by its trend); the feature named is the one farthest from usual. Effects of things that
    only count together do not add up to the whole.

    Args:
        x: [n, features]; window: the number of the window that is explained.
    """
    usual = model.usual[positions(model.kinds, kinds)].astype(np.float32)
    sources = sorted({feature.source for feature in model.features})
    columns = [
        np.array([i for i, feature in enumerate(model.features) if feature.source == source])
        for source in sources
    ]
    # The rows as they are, and once more for each source: one question instead of many.
    other = np.tile(x, (len(sources) + 1, 1, 1))
    for place, mine in enumerate(columns, start=1):
        other[place][:, mine] = usual[:, mine]
    asked = other.reshape(-1, x.shape[1])
    said = logit(model.chance(asked, np.tile(kinds, len(other)), window)).reshape(len(other), len(x))
    away = np.abs(np.nan_to_num((x - usual) / model.scale.astype(np.float32), nan=0.0))
    found: list[list[Fact]] = [[] for _ in x]
    for place, mine in enumerate(columns, start=1):
        effect = said[0] - said[place]
        for row in np.flatnonzero(np.abs(effect) >= LEAST):
            column = int(mine[np.argmax(away[row, mine])])
            fact = _fact(model.features[column], x[row, column], usual[row, column], float(effect[row]))
            found[row].append(fact)
    return [tuple(sorted(facts, key=lambda fact: -abs(fact.effect))[:TOLD]) for facts in found]


def _fact(feature: Feature, value: float, usual: float, effect: float) -> Fact:
    name, unit = words(feature)
    known = (None if np.isnan(number) else float(number) for number in (value, usual))
    return Fact(name, next(known), unit, next(known), effect)


def words(feature: Feature) -> tuple[str, str]:
    """A feature for people, and its unit, where a step is a day.

    >>> words(Feature("disk_percent", "trend", 30))
    ('Disk, change a day over 30 days', '%')
    >>> words(Feature("error", "count", 3))
    ('error in 3 days', 'times')
    """
    source = feature.source
    thing = " ".join(part for part in reversed(source.split(":")) if part)
    match feature.what:
        case "level":
            return f"{metrics.label(source)}, mean of {feature.steps} days", metrics.unit(source)
        case "trend":
            return f"{metrics.label(source)}, change a day over {feature.steps} days", metrics.unit(source)
        case "change":
            return f"{metrics.label(source)} against its beginning", metrics.unit(source)
        case "spread":
            return f"{metrics.label(source)}, unrest of {feature.steps} days", metrics.unit(source)
        case "count" if feature.steps:
            return f"{thing} in {feature.steps} days", "times"
        case "count":
            return "failures before", "times"
        case "since":
            return f"time since {thing}", "days"
        case "oldest":
            return f"longest time since {thing}" if feature.steps == 1 else f"time since {thing}", "days"
        case "rhythm":
            return f"usual time between {thing}", "days"
        case "next":
            return f"time until {thing} is usual again", "days"
        case "kinds":
            return f"different events in {feature.steps} days", "kinds"
        case "age":
            return "time in service", "days"
