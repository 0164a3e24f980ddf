"""The sample fleet: sites, people and devices, and where in its recording each device stands at load.

Names, places and addresses are made up. What the devices report is real recorded telemetry, moved in
time: `row` of the recording's test part happens `minutes` after the moment of loading (negative: before
it). Rows before that are history, rows after it are replayed minute by minute. The rows were chosen by
their labels so that
- incidents begin within the first ten minutes at every site (`minutes` from 3 to 6),
- the local day before the moment of loading held incidents at every site (`minutes` = -1440 is
  yesterday in every time zone), and the eight days before it further ones,
- at least five days of every recording are left to be replayed.
The hour of day of a recording is not that of the clock on your wall: incidents at a chosen moment and
quiet nights at a chosen hour cannot both be had without altering the data.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class SampleSite:
    """A site; `open` and `peak` are local times of day, `volume` the transactions expected on a weekday."""

    public_id: str
    name: str
    location: str
    latitude: float
    longitude: float
    tenant: str
    timezone: str
    open: tuple[str, str]
    peak: tuple[str, str]
    sunday: tuple[str, str] | None
    volume: int


@dataclass(frozen=True)
class SampleUser:
    """A person; `sites` is empty for someone who sees every site of the tenants."""

    username: str
    full_name: str
    role: str
    tenants: tuple[str, ...]
    sites: tuple[str, ...] = ()

    @property
    def email(self) -> str:
        return f"{self.username}@homepot.example"


@dataclass(frozen=True)
class SampleDevice:
    """A device; `unit` is a recorded unit, or the name of a construction (then `row` is not used)."""

    name: str
    site: str
    device_type: str
    unit: str
    row: int
    minutes: int
    os_details: str
    firmware: str
    gateway: str | None = None

    @property
    def public_id(self) -> str:
        """HOMEPOT's form of a public id, made from the name so that it is the same at every load."""
        return f"DEVICE-{_code(self.name, 0)}-{_code(self.name, 4)}-{_code(self.name, 8)}"

    @property
    def constructed(self) -> bool:
        return self.unit in CONSTRUCTED

    @property
    def second(self) -> int:
        """Second of the minute at which this device reports: not every device at the full minute."""
        return 2 + hashlib.sha256(self.name.encode()).digest()[20] % 40


# HOMEPOT leaves out characters that are easily mistaken for others.
_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"


def _code(name: str, start: int) -> str:
    digest = hashlib.sha256(name.encode()).digest()
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[start : start + 4])


TENANTS = {"nordlicht-handel": "Nordlicht Handel", "harbour-retail": "Harbour Retail Group"}

BERLIN, NEW_YORK, SINGAPORE = "SITE-B3KN-7QWD", "SITE-N8YC-4HTR", "SITE-S5GX-2MVP"

SITES = (
    SampleSite(
        BERLIN, "Berlin Alexanderplatz", "Berlin, Germany", 52.5219, 13.4132, "nordlicht-handel",
        "Europe/Berlin", ("08:00", "21:00"), ("16:00", "19:00"), None, 1900,
    ),
    SampleSite(
        NEW_YORK, "New York Chelsea", "New York, USA", 40.7465, -74.0014, "harbour-retail",
        "America/New_York", ("07:00", "23:00"), ("17:00", "20:00"), ("09:00", "21:00"), 1400,
    ),
    SampleSite(
        SINGAPORE, "Singapore Orchard Road", "Singapore", 1.3048, 103.8318, "harbour-retail",
        "Asia/Singapore", ("10:00", "22:00"), ("12:00", "14:00"), ("10:00", "22:00"), 1600,
    ),
)  # fmt: skip

USERS = (
    SampleUser("fleet.manager", "Marta Lindqvist", "Admin", tuple(TENANTS)),
    SampleUser("technician.berlin", "Jonas Albrecht", "Technician", ("nordlicht-handel",), (BERLIN,)),
    SampleUser("technician.newyork", "Denise Carter", "Technician", ("harbour-retail",), (NEW_YORK,)),
    SampleUser("technician.singapore", "Wei Ling Tan", "Technician", ("harbour-retail",), (SINGAPORE,)),
)

CONSTRUCTED = ("memory-leak", "filling-disk", "slow-leak", "slow-disk")
GATEWAY = "Store gateway"

# Operating system and firmware by kind of hardware.
_SYSTEMS = {
    "gateway": ("OpenWrt 23.05", "23.05.3"),
    "till": ("Debian GNU/Linux 12", "4.12.3"),
    "register": ("Windows 10 IoT Enterprise LTSC 2021", "4.12.3"),
    "register-next": ("Windows 10 IoT Enterprise LTSC 2021", "4.13.0"),
    "self-checkout": ("Windows 10 IoT Enterprise LTSC 2021", "3.8.0"),
    "tablet": ("Android 13", "2.27.1"),
    "sensor": ("Yocto Linux 4.0", "1.9.4"),
    "controller": ("Ubuntu Core 22", "5.2.1"),
}

# name, device type, recorded unit, row of its test part, minutes after loading, kind of hardware
_BY_SITE = {
    BERLIN: (
        (GATEWAY, "gateway", "machine-2-2", 12760, 4, "gateway"),
        # One event of the content platform struck these three services together; here, one till row.
        ("Checkout 1", "pos_terminal", "js2-s0", 3628, -1440, "till"),
        ("Checkout 2", "pos_terminal", "js2-s8", 3628, -1439, "till"),
        ("Checkout 3", "pos_terminal", "js2-s10", 3628, -1438, "till"),
        ("Checkout 4", "pos_terminal", "js2-s20", 503, -4317, "till"),
        ("Self-checkout 1", "pos_terminal", "js2-s4", 2035, -7204, "self-checkout"),
        ("Self-checkout 2", "pos_terminal", "js2-s16", 2031, -9075, "self-checkout"),
        ("Staff tablet 1", "tablet", "js2-s24", 3624, 5, "tablet"),
        ("Staff tablet 2", "tablet", "js2-s2", 1084, -3166, "tablet"),
        ("Cold room sensor hub", "iot_sensor", "omi-5", 765, -1203, "sensor"),
        ("Energy meter hub", "iot_sensor", "omi-7", 738, -3119, "sensor"),
        ("Bottle return controller", "industrial_controller", "omi-9", 738, -1562, "controller"),
        ("Back-office terminal", "pos_terminal", "filling-disk", 0, 0, "register"),
    ),
    NEW_YORK: (
        ("Stockroom controller", "industrial_controller", "machine-1-6", 5873, 6, "controller"),
        ("Conveyor controller", "industrial_controller", "machine-2-1", 9779, -1440, "controller"),
        ("Register 1", "pos_terminal", "js2-s6", 3645, -1801, "register"),
        ("Register 2", "pos_terminal", "js2-s14", 503, -2643, "register"),
        ("Register 3", "pos_terminal", "js2-s12", 197, -8640, "register"),
        ("Register 4", "pos_terminal", "memory-leak", 0, 0, "register-next"),
        ("Register 5", "pos_terminal", "slow-disk", 0, 0, "register"),
        ("Freezer sensor hub", "iot_sensor", "omi-1", 1064, -1557, "sensor"),
    ),
    SINGAPORE: (
        ("Order kiosk controller", "industrial_controller", "machine-3-4", 2734, 3, "controller"),
        ("Counter 1", "pos_terminal", "js2-s18", 3624, -1440, "till"),
        ("Counter 2", "pos_terminal", "js2-s22", 4571, -2401, "till"),
        ("Counter 3", "pos_terminal", "js2-s26", 200, -1198, "till"),
        ("Counter 4", "pos_terminal", "slow-leak", 0, 0, "till"),
        ("Service desk tablet", "tablet", "js2-s28", 3645, -6479, "tablet"),
        ("Cold chain sensor hub", "iot_sensor", "omi-3", 760, -7202, "sensor"),
        ("Climate sensor hub", "iot_sensor", "omi-11", 1366, -1496, "sensor"),
    ),
}

DEVICES = tuple(
    SampleDevice(
        name,
        site,
        device_type,
        unit,
        row,
        minutes,
        *_SYSTEMS[hardware],
        gateway=GATEWAY if site == BERLIN and name != GATEWAY else None,
    )
    for site, rows in _BY_SITE.items()
    for name, device_type, unit, row, minutes, hardware in rows
)
