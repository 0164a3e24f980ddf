"""What people did about past incidents, made up: state changes, log lines, alerts with notes, jobs.

HOMEPOT's tables with a provenance column say `simulated` on these rows; `alerts` and `jobs` have none, so
their notes and descriptions say it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Json

from homepot_ai.testing import sample_constructed as made
from homepot_ai.testing.sample_fleet import DEVICES, GATEWAY, SITES, USERS, SampleDevice

SIMULATED = "Simulated: part of the sample fleet."
_NAMESPACE = uuid.UUID("6f1d0c52-6d39-4a0e-9f43-3d9c3b0a9a11")


@dataclass(frozen=True)
class Ids:
    """HOMEPOT's ids of the sample fleet, by name or public id."""

    devices: Mapping[str, int]
    sites: Mapping[str, int]

    def of(self, device: SampleDevice) -> dict[str, Any]:
        """Parameters that name a device in every statement."""
        return {
            "device": self.devices[device.name],
            "public_id": device.public_id,
            "site": self.sites[device.site],
        }


# One row to write: the statement's name in testing/sql/sample.sql, and its parameters.
Write = tuple[str, dict[str, Any]]


def naive(moment: datetime) -> datetime:
    """Naive UTC, as some of HOMEPOT's tables want it."""
    return moment.replace(tzinfo=None)


def _device(unit_or_name: str) -> SampleDevice:
    return next(device for device in DEVICES if unit_or_name in {device.unit, device.name})


def technician(site: str) -> str:
    """The user name of somebody who looks after a site."""
    return next(user.username for user in USERS if site in user.sites)


def _alert(ids: Ids, device: SampleDevice, at: datetime, resolved_at: datetime, text: Sequence[str]) -> Write:
    """An alert that was resolved; `text` = severity, category, title, description, notes."""
    severity, category, title, description, notes = text
    return "insert_alert", {
        **ids.of(device), "at": naive(at), "severity": severity, "category": category,
        "title": f"{device.name}: {title}", "description": description, "resolved_at": naive(resolved_at),
        "resolved_by": f"{technician(device.site)}@homepot.example", "notes": f"{notes} {SIMULATED}",
    }  # fmt: skip


def _job(
    ids: Ids, device: SampleDevice, at: datetime, action: str, minutes: float, error: str | None = None
) -> Iterator[Write]:
    """A job and its outcome."""
    common = {
        **ids.of(device), "at": at, "action": action, "description": SIMULATED, "error": error,
        "job_id": str(uuid.uuid5(_NAMESPACE, f"{device.public_id} {action} {at.isoformat()}")),
        "status": "failed" if error else "completed", "outcome": "failed" if error else "success",
        "ended_at": at + timedelta(minutes=minutes), "duration_ms": int(minutes * 60_000),
        "by": technician(device.site),
    }  # fmt: skip
    yield "insert_job", common
    yield "insert_job_outcome", {**common, "ended_at": naive(common["ended_at"])}


def _error(
    device: SampleDevice, at: datetime, text: Sequence[str], resolved_at: datetime | None = None
) -> Write:
    """A log line; `text` = category, severity, code, message."""
    category, severity, code, message = text
    return "insert_error", {
        "at": naive(at), "category": category, "severity": severity, "code": code, "message": message,
        "context": Json({"original_device_id": device.public_id}), "resolved": resolved_at is not None,
        "resolved_at": None if resolved_at is None else naive(resolved_at),
    }  # fmt: skip


def outage(ids: Ids, anchor: datetime) -> Iterator[Write]:
    """The gateway's forty minutes: every device behind it went offline and came back."""
    began, ended = made.outage(anchor)
    gateway = _device(GATEWAY)
    for number, device in enumerate(d for d in DEVICES if d.site == made.OUTAGE_SITE):
        lost = began + timedelta(seconds=95 + 3 * number)
        back = ended + timedelta(seconds=10 + 4 * number)
        for at, before, after, reason in (
            (lost, "online", "offline", "No heartbeat for 90 s"),
            (back, "offline", "online", "Heartbeat received again"),
        ):
            yield "insert_state", {
                "at": naive(at), "device": ids.devices[device.name], "before": before, "after": after,
                "reason": reason,
            }  # fmt: skip
        line = ("network", "error", "NET001", "Connection to backend lost, retrying")
        if device == gateway:
            line = ("network", "critical", "NET010", "Uplink down: no route to the provider")
        yield _error(device, began + timedelta(seconds=20 + number), line, back)
    yield _alert(
        ids, gateway, began + timedelta(minutes=2), ended + timedelta(minutes=6),
        ("critical", "network", "gateway and 12 devices offline", "No heartbeat from any device of the site",
         "Power adapter of the uplink modem replaced, gateway restarted; all 13 devices back."),
    )  # fmt: skip
    yield from _job(ids, gateway, ended - timedelta(minutes=4), "Restart gateway", 3.5)


def leak(ids: Ids, anchor: datetime) -> Iterator[Write]:
    """The update that brought the memory leak, and the restart that ended its first course."""
    device = _device("memory-leak")
    updated, restarted = anchor + made.LEAK_BEGAN, anchor + made.LEAK_RESTART
    yield "insert_configuration", {
        "at": naive(updated), "public_id": device.public_id, "parameter": "payment_service_version",
        "old": Json({"version": "4.12.3"}), "new": Json({"version": "4.13.0"}),
        "by": technician(device.site), "reason": "Update with contactless limits",
    }  # fmt: skip
    yield from _job(ids, device, updated, "Update payment service", 6)
    yield _error(
        device,
        restarted - timedelta(hours=2),
        ("device", "warning", "DEV014", "Payment service uses 1.8 GB of memory"),
        restarted,
    )
    yield from _job(ids, device, restarted - timedelta(minutes=3), "Restart payment service", 2)
    yield _alert(
        ids, device, restarted - timedelta(hours=2), restarted + timedelta(minutes=5),
        ("medium", "hardware", "memory above 80 %", "Memory has risen by about 5 % a day for ten days",
         "Payment service restarted, memory back to normal. Grows since the update to 4.13.0; "
         "reported to the vendor."),
    )  # fmt: skip


def disk(ids: Ids, anchor: datetime) -> Iterator[Write]:
    """The clean-up that failed once, then brought half a day."""
    device = _device("filling-disk")
    cleaned = anchor + made.DISK_CLEANED
    yield from _job(
        ids, device, cleaned - timedelta(hours=1), "Delete old logs", 1, "Timeout waiting for resource"
    )
    yield from _job(ids, device, cleaned - timedelta(minutes=4), "Delete old logs", 4)
    yield _alert(
        ids, device, cleaned - timedelta(hours=3), cleaned + timedelta(minutes=10),
        ("low", "storage", "disk above 75 %", "Disk use rises by about 1 % a day",
         "Old logs deleted. It brought little: the journal of the card terminal grows on."),
    )  # fmt: skip


# What technicians write. No cause: nobody labelled the causes of the recorded incidents.
NOTES = (
    ("high", "Restart service", "Service restarted; load and connections back to their usual course."),
    ("medium", "Collect diagnostics", "Diagnostics collected; it ended by itself before a cause was found."),
    ("high", "Restart device", "Device restarted on site; normal since."),
    ("medium", "Clear local cache", "Local cache cleared; watched for an hour, normal since."),
)


def resolutions(
    ids: Ids, incidents: Mapping[str, Sequence[tuple[int, int]]], anchor: datetime
) -> Iterator[Write]:
    """The last incident of each device that was over 30 hours before the anchor, as somebody resolved it.

    `incidents`: per device name, labelled incidents as epoch seconds [from, to).
    """
    limit = anchor.timestamp() - 30 * 3600
    oldest = anchor.timestamp() - 29 * 86400
    chosen = [
        (device, max(past))
        for device in DEVICES
        if (past := [span for span in incidents.get(device.name, ()) if oldest < span[0] and span[1] < limit])
    ]
    for number, (device, (began, ended)) in enumerate(chosen):
        severity, action, notes = NOTES[number % len(NOTES)]
        noticed = datetime.fromtimestamp(began, anchor.tzinfo) + timedelta(minutes=4 + number % 5)
        over = datetime.fromtimestamp(ended, anchor.tzinfo)
        text = (severity, "application", "unusual behaviour", "Several metrics left their usual range", notes)
        yield _alert(ids, device, noticed, over + timedelta(minutes=12 + number), text)
        yield from _job(ids, device, max(noticed, over - timedelta(minutes=2)), action, 2)


def schedules(ids: Ids) -> Iterator[Write]:
    """Opening and peak hours; day 0 is Monday, as in HOMEPOT's own rows."""
    for site in SITES:
        for day in range(7):
            hours = site.sunday if day == 6 else site.open
            share = {4: 1.25, 5: 1.4, 6: 0.8}.get(day, 1.0)
            yield "insert_schedule", {
                "site": ids.sites[site.public_id], "day": day, "closed": hours is None,
                "open": hours and hours[0], "close": hours and hours[1],
                "volume": int(site.volume * share) if hours else 0,
                "peak_start": hours and site.peak[0], "peak_end": hours and site.peak[1],
                "notes": "Closed on Sundays" if hours is None else None,
            }  # fmt: skip
