"""An outage on demand: the sample's gateway, and every device behind it, says nothing for some minutes.

So that a demo, a training or a test of one's alert routes need not wait for the recording to break.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from homepot_ai.errors import SampleError
from homepot_ai.settings import Settings
from homepot_ai.testing import sample_state
from homepot_ai.testing.sample_constructed import OUTAGE_SITE
from homepot_ai.testing.sample_fleet import DEVICES, SITES

MINUTES = (1, 240)


@dataclass(frozen=True)
class Outage:
    """Silence of these devices in [began, ended)."""

    began: datetime
    ended: datetime
    devices: tuple[str, ...]

    def silent(self, name: str) -> tuple[int, int] | None:
        """When a device says nothing, epoch seconds [from, to); None when it is not behind the gateway."""
        if name not in self.devices:
            return None
        return int(self.began.timestamp()), int(self.ended.timestamp())

    def heard(self, name: str, until: datetime) -> datetime:
        """When a device is last heard of, up to a moment."""
        return self.began if name in self.devices and self.began < until < self.ended else until


def stage(settings: Settings, now: datetime, minutes: int) -> Outage:
    """Begin an outage now; the replay keeps to it, and the truth knows of it.

    Raises:
        SampleError: no sample fleet is loaded, an outage is still on, or it would be too short or long.
    """
    low, high = MINUTES
    if not low <= minutes <= high:
        raise SampleError(f"an outage lasts between {low} and {high} minutes, not {minutes}")
    anchor, before = sample_state.anchor(settings), read(settings)
    if anchor is None:
        raise SampleError("no sample fleet is loaded here: start the demo first")
    if before is not None and now < before.ended:
        raise SampleError(
            f"the outage that began at {before.began:%H:%M} UTC lasts until {before.ended:%H:%M} UTC: "
            "begin the next one after that"
        )
    names = tuple(device.name for device in DEVICES if device.site == OUTAGE_SITE)
    made = Outage(now, now + timedelta(minutes=minutes), names)
    site = next(site.name for site in SITES if site.public_id == OUTAGE_SITE)
    ids = {device.name: device.device_id for device in anchor.devices}
    truth = sample_state.truth(settings) + [
        sample_state.TruthRow(ids[name], name, site, made.began, made.ended, "constructed", "gateway outage")
        for name in names
    ]
    sample_state.write_truth(settings, sorted(truth, key=lambda row: (row.started_at, row.device_id)))
    sample_state.write_outage(settings, made.began, made.ended, names)
    return made


def read(settings: Settings) -> Outage | None:
    """The newest outage that was staged."""
    found = sample_state.outage(settings)
    return None if found is None else Outage(*found)
