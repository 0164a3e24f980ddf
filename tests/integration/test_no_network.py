"""Who tries to leave the machine is seen; the whole demo is run this way by hand: docs/security.md."""

from __future__ import annotations

import subprocess
import sys

import pytest

from homepot_ai.testing import no_network

if why := no_network.impossible():
    pytest.skip(f"no network namespace can be made here: {why}", allow_module_level=True)


def watched(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "homepot_ai.testing.no_network", "--", sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_who_stays_here_passes() -> None:
    done = watched(
        "import socket\n"
        "server = socket.create_server(('127.0.0.1', 0))\n"
        "client = socket.create_connection(server.getsockname())\n"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "counted 0 attempts" in done.stdout
    assert "of one attempt made on purpose, it counted 1" in done.stdout


@pytest.mark.parametrize(
    "attempt",
    [
        "socket.create_connection(('192.0.2.7', 443), 1)",
        "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('198.51.100.7', 9))",
        "socket.create_connection(('2001:db8::7', 443), 1)",
    ],
)
def test_who_tries_to_leave_is_found_out_although_they_keep_it_to_themselves(attempt: str) -> None:
    done = watched(f"import contextlib, socket\nwith contextlib.suppress(OSError): {attempt}")
    assert done.returncode == no_network.TRIED, done.stdout + done.stderr
    assert "counted 1 attempts" in done.stdout


def test_a_command_that_fails_is_no_proof() -> None:
    assert watched("raise SystemExit(7)").returncode == no_network.FAILED
