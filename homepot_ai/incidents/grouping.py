"""Which signs are one trouble: a gateway that took its devices along, most of a site at once. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from homepot_ai.incidents.signs import SILENT, Sign, Unit
from homepot_ai.settings import IncidentSettings
from homepot_ai.store.incidents import Kind


def device_print(device_id: int, cause: str) -> str:
    """Fingerprint of an incident of one device."""
    return f"device:{device_id}:{cause}"


def gateway_print(gateway_id: int) -> str:
    """Fingerprint of a gateway's outage."""
    return f"gateway:{gateway_id}:{SILENT}"


def site_print(site_id: int, cause: str) -> str:
    """Fingerprint of an incident of most of a site."""
    return f"site:{site_id}:{cause}"


@dataclass(frozen=True)
class Group:
    """Signs that are one incident.

    Attributes:
        root: the gateway; None of a site.
        of: how many devices there are behind the gateway, or at the site.
    """

    kind: Kind
    fingerprint: str
    cause: str
    site_id: int
    root: int | None
    signs: tuple[Sign, ...]
    of: int


def find(
    signs: Sequence[Sign],
    units: Mapping[int, Unit],
    behind: Mapping[int, int],
    at_site: Mapping[int, int],
    config: IncidentSettings,
) -> list[Group]:
    """Groups among the signs of one minute; a sign is in one group at most.

    A gateway's: it is silent and so is a device behind it, or nearly all of the devices behind it are
    (`gateway_share`). A site's: one cause in most of its devices (`site_share`), unless nearly all of
    those are behind one gateway that has a group: then that is what is wrong.

    Args:
        behind: gateway to how many devices in use name it; at_site: site to how many are in use.
    """
    gateways = _gateways([s for s in signs if s.silent], units, behind, config)
    of_site: dict[tuple[int, str], dict[int, Sign]] = defaultdict(dict)
    for sign in signs:
        of_site[units[sign.device_id].site_id, sign.cause][sign.device_id] = sign
    sites = []
    for (site, cause), ill in of_site.items():
        known = max(at_site.get(site, 0), len(ill))
        if len(ill) < max(config.group_devices, math.ceil(config.site_share * known)):
            continue
        if cause == SILENT:
            largest = max((len(set(ill) & {s.device_id for s in g.signs}) for g in gateways), default=0)
            if largest >= config.gateway_share * len(ill):
                continue
        sites.append(Group("site", site_print(site, cause), cause, site, None, tuple(ill.values()), known))
    taken = {s.device_id for group in sites if group.cause == SILENT for s in group.signs}
    return [g for g in gateways if not taken >= {s.device_id for s in g.signs}] + sites


def _gateways(
    silent: Sequence[Sign],
    units: Mapping[int, Unit],
    behind: Mapping[int, int],
    config: IncidentSettings,
) -> list[Group]:
    by_device = {sign.device_id: sign for sign in silent}
    children: dict[int, list[Sign]] = defaultdict(list)
    for sign in silent:
        gateway = units[sign.device_id].gateway_id
        if gateway is not None and gateway != sign.device_id:
            children[gateway].append(sign)
    groups = []
    used: set[int] = set()
    for gateway, ill in sorted(children.items(), key=lambda item: -len(item[1])):
        known = max(behind.get(gateway, 0), len(ill))
        itself = by_device.get(gateway)
        most = len(ill) >= max(config.group_devices, math.ceil(config.gateway_share * known))
        free = [s for s in ([itself] if itself else []) + ill if s.device_id not in used]
        if not (itself or most) or not free:
            continue
        used |= {s.device_id for s in free}
        site = units[gateway].site_id if gateway in units else units[ill[0].device_id].site_id
        groups.append(Group("gateway", gateway_print(gateway), SILENT, site, gateway, tuple(free), known))
    return groups
