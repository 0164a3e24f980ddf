"""Every hour: will it fail, when, why, what to do? And the same of one device, on demand."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any

from prefect import flow
from prefect.logging import get_run_logger
from prefect.states import Completed, State
from prefect.utilities.annotations import quote
from pydantic import Field

from flows.common import FAILURE_HOOKS, as_utc, done, open_fleet, publish, skipped, too_late, utc_now
from flows.mail import wake_sender
from homepot_ai.health.summary import cell
from homepot_ai.prediction import page
from homepot_ai.prediction.judge import Judged
from homepot_ai.settings import Settings, load_settings
from homepot_ai.store.database import Database
from tasks import answers, predict, visits

HOUR = timedelta(hours=1)


@flow(name="predict-failures", timeout_seconds=3300, **FAILURE_HOOKS)
def predict_failures(at: datetime | None = None) -> State[Any]:
    """Say of every device how likely it fails and when a limit is reached; once a day into the ledger.

    Args:
        at: the moment to act for (UTC where no zone is given); default now. For a moment more than two hours
            ago it shows what would have been said then, and stores nothing.
    """
    now = utc_now()
    if reason := too_late(at, now, HOUR):
        return skipped(reason)
    settings, database = load_settings(), open_fleet()
    moment = now if at is None else as_utc(at)
    gathered = predict.read_histories(database, settings, at=moment, now=now)
    looked = predict.screen_series(settings, quote(gathered))
    seen = predict.forecast_series(database, settings, quote(gathered), quote(looked))
    judged = predict.judge_risks(settings, quote(gathered), quote(looked), quote(seen))
    kept = predict.store_risks(database, settings, quote(judged), now=now)
    judged = replace(judged, kept=kept)
    # The risks are there and stay. What fails behind them is told, and fails the run when all is done.
    told, failed = [], []
    if not kept.look_back:
        try:
            followed = visits.act_on_risks(database, settings, quote(judged.risks), now=now)
            acted, sent = followed.acted, followed.told
            told += [f"- {acted.headline}", *(f"- {cell(note)}" for note in acted.notes)]
            if sent.queued:
                told.append(f"- {sent.queued} messages about {sent.episodes} warnings are queued")
                wake_sender()
            told += [f"- not told: {cell(why)}" for why in sent.failed]
        except Exception as error:
            told.append(f"**Acting on risks failed**: {cell(str(error))}\n")
            failed.append(error)
    alike = _similar(database, settings, judged)
    publish("predict-failures", "\n".join([page.markdown(judged, alike), *told]))
    if failed:
        raise failed[0]
    return done(page.headline(judged))


def _similar(database: Database, settings: Settings, judged: Judged) -> dict[int, tuple[str, ...]]:
    """Like what were they? An ornament of the page: where memory cannot be asked it goes without."""
    try:
        return predict.similar_progressions(database, settings, page.first(judged), now=judged.at)
    except Exception as error:
        get_run_logger().warning("memory could not be asked for similar progressions: %s", error)
        return {}


@flow(name="predict-device", timeout_seconds=600, **FAILURE_HOOKS)
def predict_device(
    device: Annotated[str, Field(max_length=200, coerce_numbers_to_str=True)] = "",
    at: datetime | None = None,
) -> State[Any]:
    """Say of one device how likely it fails and when a limit is reached. With nothing filled in: of all.

    Args:
        device: its public id, number or exact name; empty: every device, without storing anything.
        at: the moment to act for (UTC where no zone is given); default now.
    """
    now = utc_now()
    settings, database = load_settings(), open_fleet()
    moment = now if at is None else as_utc(at)
    asked = device.strip() or None
    gathered = predict.read_histories(database, settings, at=moment, now=now, device=asked)
    looked = predict.screen_series(settings, quote(gathered))
    seen = predict.forecast_series(database, settings, quote(gathered), quote(looked))
    judged = predict.judge_risks(settings, quote(gathered), quote(looked), quote(seen))
    if asked is None:
        publish("predict-device", page.markdown(judged))
        return done(f"no device was named; {page.headline(judged)}")
    predict.store_risks(database, settings, quote(judged), now=now, reason="on_demand")
    lines = page.device_lines(judged, _similar(database, settings, judged))
    publish("predict-device", "\n".join(f"- {cell(line)}" for line in lines) + "\n")
    # The result as the HTTP door gives it.
    told = answers.foretold_of(database, settings, asked, now=now)
    return Completed(message=page.headline(judged), data=told.model_dump(mode="json"))
