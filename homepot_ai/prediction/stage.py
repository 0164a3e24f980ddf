"""One predicting run, part by part: what the flow's tasks, the command line and the benchmark call.

    gather    devices, 30 days of hours, logs, anomalies, outcomes, thresholds, model     (one snapshot)
    look      statistics of every series and device                                       (pure)
    foretell  the few that stand out, hour by hour; once a day some by lot                (database, read)
    conclude  failure probabilities and crossings become one risk per device              (pure)
    keep      risks, and once a day every device's forecasts into the ledger              (one transaction)

The ledger is of what was said at the time: a run for a past moment shows what it would have said, and keeps
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import orjson

from homepot_ai.errors import PredictionError
from homepot_ai.fleet import devices as fleet_devices
from homepot_ai.fleet import metrics
from homepot_ai.prediction import forecast as forecasting
from homepot_ai.prediction import history, in_force, judge, screen, track_record
from homepot_ai.prediction.history import Courses, Fleet
from homepot_ai.prediction.judge import FailureModel, Judged, Kept, Seen
from homepot_ai.prediction.records import HORIZONS, DeviceRisk, Histories, Refusal
from homepot_ai.prediction.screen import Screen
from homepot_ai.prediction.track_record import TrackRecord
from homepot_ai.settings import Settings
from homepot_ai.store import metric_hours, predictions
from homepot_ai.store.database import Connection, Database
from homepot_ai.store.predictions import IntervalRow, Reason, RiskRow

#: Series looked at hour by hour in one run, the most urgent first; further ones once a day by lot, so that
#: the record of intervals is not only one of series that stood out.
MOST_FORECASTS, BY_LOT = 300, 40
LIMIT_CROSSING, VERSION = "limit-crossing", "1"
#: A run for a moment so long ago is a look back.
LOOK_BACK = timedelta(hours=2)
WEEK_HOURS = 7 * 24


@dataclass(frozen=True)
class Gathered:
    """What a run rests on; `at` is a full hour. `due`: the day's forecasts are not in the ledger."""

    at: datetime
    fleet: Fleet
    courses: Courses
    histories: Histories
    replaced: npt.NDArray[np.bool_]
    record: TrackRecord
    model: FailureModel | None
    due: bool
    everybody: bool
    sites: Mapping[int, str]
    base: npt.NDArray[np.float64]
    notes: tuple[str, ...]


def gather(
    db: Database, settings: Settings, *, at: datetime, now: datetime, device: str | None = None
) -> Gathered:
    """Read what is needed, as of the last full hour.

    Args:
        device: only this one (public id, number or exact name).

    Raises:
        PredictionError: the moment lies in the future.
        NotFound: there is no such device.
    """
    if at > now + timedelta(minutes=1):
        raise PredictionError(
            f"{at:%Y-%m-%d %H:%M} UTC lies in the future: nothing is known of it yet; leave `at` empty"
        )
    end, days = history.floor_hour(at), settings.prediction.history_days
    with db.reader() as conn:
        only = None if device is None else [fleet_devices.resolve_device(conn, device).id]
        fleet = history.read_fleet(conn)
        if only is not None and only[0] not in fleet.ids:
            raise PredictionError(
                f"device {device!r} is retired, inactive or excluded: nothing is predicted for it"
            )
        courses = history.read_courses(conn, fleet, end, days, devices=only)
        happened = history.read_happened(
            conn, fleet, end - days * history.DAY, end, homepot_schema=db.homepot_schema, devices=only
        )
        record = track_record.current(conn, end)
        notes: tuple[str, ...] = ()
        try:
            model = in_force.load_in_force(conn)
        except PredictionError as error:
            # A damaged model costs the failure model's probabilities, not the run.
            model, notes = None, (f"the failure model cannot be used, base rates stand in: {error}",)
        sites = {site.id: site.name for site in fleet_devices.list_sites(conn, settings)}
        due = only is None and not predictions.in_ledger_since(conn, ledger_moment(settings, end))
    replaced = np.isin(fleet.ids, [o.device_id for o in happened.outcomes if o.kind == "replaced"])
    found = history.histories(fleet, courses, happened)
    since = courses.until - days * history.DAY_S
    # Of the devices whose days are counted below: others' failures would make the base rate look bad.
    mine = set(fleet.ids.tolist())
    failures = sum(o.kind == "failure" and o.t >= since and o.device_id in mine for o in happened.outcomes)
    exposed = np.clip((courses.until - np.nan_to_num(fleet.created)) / history.DAY_S, 0, days).sum()
    base = judge.base_rates(failures, float(exposed))
    return Gathered(
        end, fleet, courses, found, replaced, record, model, due, only is None, sites, base, notes
    )


def ledger_moment(settings: Settings, at: datetime) -> datetime:
    """The last time that the day's forecasts were due."""
    today = at.replace(hour=settings.prediction.ledger_hour, minute=0, second=0, microsecond=0)
    return today if today <= at else today - timedelta(days=1)


def look(settings: Settings, gathered: Gathered) -> Screen:
    """Statistics of every series and device."""
    return screen.screen(
        gathered.courses, gathered.histories, gathered.fleet.kinds, settings.health,
        least_days=settings.prediction.least_days,
    )  # fmt: skip


def foretell(db: Database, settings: Settings, gathered: Gathered, looked: Screen) -> list[Seen]:
    """Look hour by hour at the series that stand out, the most urgent first; some by lot once a day."""
    chosen, lot = choose(gathered, looked)
    if not len(chosen):
        return []
    hours = _hours(db, settings, gathered, chosen)
    return [
        _seen(settings, gathered, looked, int(series), hours[i], sampled=series in lot)
        for i, series in enumerate(chosen)
    ]


def choose(gathered: Gathered, looked: Screen) -> tuple[npt.NDArray[np.intp], frozenset[int]]:
    """Series to look at closely, and which of them by lot."""
    standing = np.flatnonzero(looked.stands_out)
    standing = standing[np.argsort(looked.to_limit_low[standing], kind="stable")][:MOST_FORECASTS]
    rest = np.flatnonzero(np.isfinite(looked.limit) & (gathered.courses.last_t == gathered.courses.until))
    rest = np.setdiff1d(rest, standing)
    lot = np.zeros(0, np.intp)
    if gathered.due and len(rest):
        # The day is the seed: a repeated run draws the same.
        rng = np.random.default_rng(int(gathered.at.timestamp() // 86_400))
        lot = rng.choice(rest, min(BY_LOT, len(rest)), replace=False)
    return np.concatenate([standing, lot]), frozenset(lot.tolist())


def _hours(
    db: Database, settings: Settings, gathered: Gathered, chosen: npt.NDArray[np.intp]
) -> npt.NDArray[np.float64]:
    """[series, hours] of the chosen ones, NaN where there is none."""
    courses, fleet = gathered.courses, gathered.fleet
    span = settings.prediction.history_days * 24
    since = gathered.at - timedelta(hours=span)
    ids = fleet.ids[courses.device[chosen]]
    names = [courses.names[metric] for metric in courses.metric[chosen]]
    place = {(int(device), name): i for i, (device, name) in enumerate(zip(ids, names, strict=True))}
    out = np.full((len(chosen), span), np.nan)
    with db.reader() as conn:
        for hour in metric_hours.read(conn, since, gathered.at, devices=sorted({int(d) for d in ids})):
            for row, device in enumerate(hour.device_id.tolist()):
                for column, name in enumerate(hour.metrics):
                    if (i := place.get((device, name))) is not None:
                        out[i, hour.hour] = hour.mean[row, column]
    return out


def _seen(
    settings: Settings,
    gathered: Gathered,
    looked: Screen,
    series: int,
    hours: npt.NDArray[np.float64],
    *,
    sampled: bool,
) -> Seen:
    name = gathered.courses.names[gathered.courses.metric[series]]
    known = metrics.KNOWN.get(name)
    found = forecasting.forecast(
        hours, least_days=settings.prediction.least_days,
        lowest=known.low if known else -np.inf, highest=known.high if known else np.inf,
    )  # fmt: skip
    if isinstance(found, Refusal):
        return Seen(series, refused=found, sampled=sampled)
    week = tuple(float(edge[WEEK_HOURS - 1]) for edge in (found.low, found.mid, found.high))
    crossing = None
    if not sampled:
        crossing = forecasting.crossing(
            found, metric=name, unit=metrics.unit(name), limit=float(looked.target[series]),
            now=float(gathered.courses.last[series]), at=gathered.at,
        )  # fmt: skip
    return Seen(series, crossing, None, (week[0], week[1], week[2]), sampled, found.forecaster)


def conclude(settings: Settings, gathered: Gathered, looked: Screen, seen: Sequence[Seen]) -> Judged:
    """Failure probabilities and crossings become one risk per device."""
    fleet, record = gathered.fleet, gathered.record
    found = judge.hazard(gathered.model, gathered.histories, len(fleet), gathered.courses.days, gathered.base)
    refused = judge.refusals(
        fleet, gathered.courses, looked, gathered.replaced, settings.prediction.least_days
    )
    risks = judge.judge(
        gathered.at, fleet, gathered.courses, looked, found, seen, refused, record.thresholds,
        {name: record.leader(name) for name in HORIZONS},
    )  # fmt: skip
    if not gathered.everybody:
        told = set(gathered.courses.device.tolist())
        mine = [i for i, risk in enumerate(risks) if i in told]
        risks = [risks[i] for i in mine]
    return Judged(
        gathered.at, fleet, gathered.courses, risks, found, seen, record.thresholds, gathered.everybody,
        sites=gathered.sites, record=record, notes=gathered.notes,
    )  # fmt: skip


def keep(
    db: Database, settings: Settings, judged: Judged, *, now: datetime, reason: Reason = "daily"
) -> Kept:
    """Write risks, and forecasts into the ledger where the day's are due (on demand: this device's)."""
    if now - judged.at > LOOK_BACK:
        return Kept(0, 0, True)
    with db.writer() as conn:
        predictions.lock(conn)
        newest = predictions.newest_run(conn)
        if reason == "daily" and newest is not None and newest > judged.at:
            return Kept(0, 0, True)
        written = 0
        if reason == "daily":
            written = predictions.put_risks(
                conn, [_risk_row(risk) for risk in judged.risks], judged.at, everybody=judged.everybody
            )
            due = not predictions.in_ledger_since(conn, ledger_moment(settings, judged.at))
        else:
            due = True
        # On demand at the moment of asking: at the full hour it would stand in the place of the daily row,
        # and devices that people ask about would be missing from the track record.
        at = judged.at if reason == "daily" else max(now, judged.at)
        return Kept(written, _into_ledger(conn, judged, reason, at) if due else 0, False)


def _into_ledger(conn: Connection, judged: Judged, reason: Reason, at: datetime) -> int:
    """Every device's forecasts: the failure model's, the base rate beside it, crossings, levels, lives."""
    found = judged.hazard
    place = {int(id_): i for i, id_ in enumerate(judged.fleet.ids)}
    risks = [risk for risk in judged.risks if risk.refused is None]
    ids = np.array([risk.device_id for risk in risks], np.int64)
    rows = np.array([place[risk.device_id] for risk in risks], np.int64)
    written = 0
    for k, (name, (lo, hi)) in enumerate(HORIZONS.items()):
        common = {
            "made_at": at, "horizon": name, "from_at": at + timedelta(hours=lo),
            "due_at": at + timedelta(hours=hi), "base_rate": float(found.base[k]), "reason": reason,
        }  # fmt: skip
        base = np.full(len(ids), found.base[k])
        written += predictions.put_failures(
            conn,
            ids,
            base,
            forecaster=judge.BASE_RATE,
            version="prior",
            **common,  # type: ignore[arg-type]
        )
        if found.forecaster != judge.BASE_RATE:
            written += predictions.put_failures(
                conn, ids, found.probabilities[rows, k], forecaster=found.forecaster, version=found.version,
                **common,  # type: ignore[arg-type]
            )  # fmt: skip
    return written + predictions.put_intervals(conn, _intervals(judged, risks, at), at, reason)


def _intervals(judged: Judged, risks: Sequence[DeviceRisk], at: datetime) -> list[IntervalRow]:
    courses = judged.courses
    told = {risk.device_id for risk in risks}
    out = []
    for one in judged.seen:
        device = int(judged.fleet.ids[courses.device[one.series]])
        name = courses.names[courses.metric[one.series]]
        if device not in told:
            continue
        if one.week is not None:
            low, mid, high = one.week
            out.append(
                IntervalRow(
                    device, "level", "7d", at + timedelta(hours=WEEK_HOURS), name, None, low, mid, high,
                    metrics.unit(name), forecasting.COVERAGE, LIMIT_CROSSING, VERSION,
                    {"model": one.forecaster, "by_lot": one.sampled},
                )
            )  # fmt: skip
        c = one.crossing
        if c is not None and c.low is not None and c.mid is not None:
            out.append(
                IntervalRow(
                    device, "limit", "30d", at + timedelta(days=30), name, f"{name}.high", c.low.timestamp(),
                    c.mid.timestamp(), c.high.timestamp() if c.high else None, "epoch_s",
                    forecasting.COVERAGE, LIMIT_CROSSING, VERSION,
                    {
                        "limit": c.limit, "direction": c.direction, "now": round(c.now, 3),
                        "per_day": round(c.per_day, 4), "model": one.forecaster,
                    },
                )
            )  # fmt: skip
    for risk in risks:
        if risk.life is not None:
            low, mid, high = risk.life
            out.append(
                IntervalRow(
                    risk.device_id, "life", "30d", at + timedelta(days=30), "", None, low, mid, high, "days",
                    forecasting.COVERAGE, judged.hazard.forecaster, judged.hazard.version, {},
                )
            )  # fmt: skip
    return out


def _risk_row(risk: DeviceRisk) -> RiskRow:
    nan = float("nan")
    life = risk.life or (nan, nan, nan)
    c = risk.crossing
    when = (None, None, None) if c is None else (c.low, c.mid, c.high)
    low, mid, high = (nan if moment is None else moment.timestamp() for moment in when)
    p_24h, p_7d, p_30d = (risk.probabilities.get(name, nan) for name in HORIZONS)
    return RiskRow(
        risk.device_id, risk.level, risk.cause, risk.metric, p_24h, p_7d, p_30d, risk.forecaster,
        risk.version, low, mid, high, *life, risk.refused.text if risk.refused else None, risk.action,
        facts_text(risk),
    )  # fmt: skip


def facts_text(risk: DeviceRisk) -> str:
    """A risk's facts as JSON: what pushed, the crossing in numbers, details."""
    c = risk.crossing
    told = {
        "facts": [vars(fact) for fact in risk.facts],
        "crossing": c
        and {
            "metric": c.metric, "unit": c.unit, "limit": c.limit, "direction": c.direction, "now": c.now,
            "per_day": c.per_day, "forecaster": c.forecaster,
        },
        **risk.details,
    }  # fmt: skip
    if risk.refused is not None:
        told["refused"] = risk.refused.code
    return orjson.dumps({k: v for k, v in told.items() if v}, option=orjson.OPT_SERIALIZE_NUMPY).decode()


def predict(
    db: Database,
    settings: Settings,
    *,
    at: datetime,
    now: datetime,
    device: str | None = None,
    store: bool = True,
    tick: Callable[[str], None] = lambda _: None,
) -> Judged:
    """A whole run: gather, look, foretell, conclude, keep; on demand where a device is named.

    Args:
        store: keep what was found.
        tick: called with the name of each part when it is done.
    """
    gathered = gather(db, settings, at=at, now=now, device=device)
    tick("gather")
    looked = look(settings, gathered)
    tick("look")
    seen = foretell(db, settings, gathered, looked)
    tick("foretell")
    judged = conclude(settings, gathered, looked, seen)
    tick("conclude")
    if not store:
        return judged
    kept = keep(db, settings, judged, now=now, reason="daily" if device is None else "on_demand")
    tick("keep")
    return replace(judged, kept=kept)
