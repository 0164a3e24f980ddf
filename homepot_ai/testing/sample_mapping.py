"""How recorded metrics appear in HOMEPOT's `device_metrics`: columns by a linear map, the rest by name.

The publisher of SMD and ASD scaled every metric to 0..1 of its observed range: 1.0 is the highest value
ever seen, not 100 %. The maps below therefore end short of HOMEPOT's absolute limits (CPU at 85 %, memory
at 80 %), so that no limit is passed merely by the scaling; what is unusual stays as unusual as it was.
SMD's metrics have names, and CPU is CPU. ASD's and JS2's publishers name none: which of their metrics
stands in for which column is our choice, made by its course alone, and the others carry a number only.
Columns that nothing recorded can stand for (disk, latency, errors, queue) stay NULL.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# HOMEPOT's columns in the order in which they are written, and how many decimals of each.
COLUMNS = {
    "cpu_percent": 2,
    "memory_percent": 2,
    "disk_percent": 2,
    "network_latency_ms": 1,
    "transaction_count": 0,
    "transaction_volume": 2,
    "error_rate": 5,
    "active_connections": 0,
    "queue_depth": 0,
}


@dataclass(frozen=True)
class Column:
    """HOMEPOT's `name` = offset + factor * recorded metric number `source` (from 0)."""

    name: str
    source: int
    offset: float = 0.0
    factor: float = 1.0


@dataclass(frozen=True)
class Layout:
    """Which recorded metrics go where: columns, and (name, metric number) of `extra_metrics`."""

    columns: tuple[Column, ...]
    extras: tuple[tuple[str, int], ...]


SMD_NAMES = (
    "cpu", "load_1min", "load_5min", "load_15min", "shared_memory", "memory", "memory_used_e", "total_memory",
    "disk_queue", "disk_reads", "disk_read_volume", "disk_service_time", "disk_utilisation", "disk_writes",
    "disk_wait", "disk_write_volume", "swap_in", "swap_out", "network_flows_in", "network_flows_out",
    "network_packets_in", "network_packets_out", "tcp_time_wait", "tcp_in_use", "tcp_active_opens",
    "tcp_established", "tcp_errors_in", "tcp_segments_in", "tcp_listen_overflows", "tcp_resets_out",
    "tcp_segments_out", "tcp_passive_opens", "tcp_retransmissions", "tcp_timeouts", "udp_datagrams_in",
    "udp_datagrams_out", "udp_receive_buffer_errors", "udp_send_buffer_errors",
)  # fmt: skip

_MAPPED = {
    "smd": (
        Column("cpu_percent", 0, 5.0, 80.0),
        Column("memory_percent", 5, 10.0, 70.0),
        Column("active_connections", 25, 20.0, 1000.0),
    ),
    "asd": (
        Column("cpu_percent", 8, 5.0, 80.0),
        Column("memory_percent", 6, 20.0, 60.0),
        Column("active_connections", 9, 0.0, 1000.0),
    ),
    "js2": (
        Column("cpu_percent", 17, 5.0, 0.8),
        Column("memory_percent", 6, 5.0, 0.75),
        Column("transaction_volume", 12, 0.0, 0.01),
        Column("active_connections", 18, 0.0, 0.002),
    ),
}


def metric_names(kind: str, count: int) -> tuple[str, ...]:
    """Names of a set's metrics in recorded order.

    >>> metric_names("asd", 19)[7]
    'server_metric_08'
    """
    if kind == "smd":
        return SMD_NAMES
    prefix = {"asd": "server", "js2": "service"}[kind]
    return tuple(f"{prefix}_metric_{number:02d}" for number in range(1, count + 1))


def layout(kind: str, values: NDArray[np.floating]) -> Layout:
    """The layout of one unit of a set, from its values [rows, metrics].

    A metric that never changes in the whole recording is left out: it says nothing and would fill
    a tenth of the table.
    """
    columns = _MAPPED[kind]
    taken = {column.source for column in columns}
    moving = np.flatnonzero(values.min(axis=0) != values.max(axis=0))
    names = metric_names(kind, values.shape[1])
    extras = tuple((names[number], int(number)) for number in moving if number not in taken)
    return Layout(columns, extras)
