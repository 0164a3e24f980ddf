"""analyze-device and device-report give what the HTTP door gives, and the door follows a run."""

from __future__ import annotations

import pytest

from flows.analyze import analyze_device, device_report
from homepot_ai.store.database import Database
from tests.door_world import NOW, door, fill
from tests.flows.conftest import Connect, artifact, run

pytestmark = pytest.mark.slow


def test_a_device_looked_at_and_its_report(database: Database, connect: Connect) -> None:
    settings = connect(database, OLLAMA__ENABLED="false")
    fill(database)
    nobody = run(analyze_device)
    assert nobody.is_completed()
    assert "Vault" in artifact("analyze-device"), "with no device named, the worst are listed"
    state = run(analyze_device, device="Kiosk/3", period="1h", at=NOW)
    assert state.message == "Kiosk/3: critical, health 0.30"
    assert "| CPU | 12.0 % | 12.0 % |" in artifact("analyze-device")
    with door(database, settings) as client:
        asked = client.get("/api/ai/analyze/13?period=1h").json()
        assert asked["analysis"]["summary"].replace("\xa0", " ") in artifact("analyze-device")

        # Nobody made the report yet; the flow makes it, and the door has it.
        assert client.get("/api/ai/report/13?period=24h&report_type=custom").status_code == 503
        made = run(device_report, device="13", period="24h", report_type="custom", at=NOW)
        assert made.is_completed(), made.message
        found = client.get("/api/ai/report/13?period=24h&report_type=custom").json()
        assert made.result() == found
        assert found["report_id"] == "rpt_20261119T1300-20261120T1300_custom_device13"
        assert found["content"]["title"]
        assert found["content"]["key_metrics"]["anomalies_open"] == 1
        assert found["content"]["incidents"][0]["description"] == "CPU too high"
        assert found["content"]["cost_impact"] is None
        pdf = client.get("/api/ai/report/13?period=24h&report_type=custom&format=pdf")
        assert (pdf.status_code, pdf.content[:5]) == (200, b"%PDF-")
    gone = run(analyze_device, device="Kiosk 4")
    assert gone.is_failed()
    assert "did you mean: Kiosk/3?" in str(gone.message)
