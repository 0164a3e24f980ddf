"""Which function answers which question."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from homepot_ai.questions.queries import (
    forecasts,
    history,
    incidents,
    measures,
    own,
    places,
    status,
    telling,
    visits,
)
from homepot_ai.questions.types import Asker, Found, Slots
from homepot_ai.store.database import Connection

FINDS: Mapping[str, Callable[[Connection, Slots, Asker, datetime], Found]] = {
    find.__name__: find
    for find in (
        status.device_status,
        status.fleet_status,
        status.site_status,
        status.worst_devices,
        status.why_unhealthy,
        status.silent_devices,
        status.type_status,
        incidents.open_incidents,
        incidents.incident_details,
        incidents.what_to_do,
        incidents.similar_incidents,
        incidents.past_incidents,
        incidents.flapping_devices,
        incidents.who_acknowledged,
        visits.maintenance_due,
        forecasts.device_forecast,
        forecasts.riskiest_devices,
        forecasts.when_full,
        visits.visit_cost,
        visits.downtime_cost,
        forecasts.prediction_record,
        measures.metric_now,
        measures.metric_average,
        measures.metric_extremes,
        measures.metric_trend,
        measures.metric_ranking,
        history.uptime,
        history.anomalies,
        history.device_events,
        history.configuration_changes,
        history.changes_since,
        history.data_quality,
        places.list_devices,
        places.list_sites,
        places.device_info,
        places.opening_hours,
        places.maintenance_windows,
        places.compare_sites,
        telling.alert_review,
        telling.noisiest,
        telling.who_was_told,
        telling.silenced,
        telling.report_recipients,
        telling.last_report,
        telling.actions_taken,
        telling.repair_times,
        telling.detection_record,
        own.own_health,
        own.help,
    )
}
