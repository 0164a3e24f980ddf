"""What Prometheus reads: every figure that a rule or a panel asks for is exported, and the rules hold."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from homepot_ai.api.metrics import Metrics
from homepot_ai.settings import Settings
from homepot_ai.store.database import Database
from homepot_ai.watch import exporter, keys
from tests.mail_helpers import mail, queue
from tests.support import small_fleet

MONITORING = Path(__file__).parents[2] / "deployments" / "monitoring"
NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
NAME = re.compile(r"homepot_ai_[a-z_]+")


@pytest.fixture
def lived_in(database: Database) -> Database:
    """A database in which every figure has something to be read from."""
    small_fleet(database, devices=3)
    with database.admin() as conn:
        conn.execute(
            "INSERT INTO ai_scoring_minutes (shard, at, devices, healthy, warning, critical, no_data, "
            "in_maintenance, not_scored, rows_read, rejected, seconds, scored_at) SELECT 0, %s - n * "
            "interval '1 minute', 3, 1, 1, 0, 1, 0, 0, 9, '{\"nan\": 2}', n / 10.0, %s "
            "FROM generate_series(1, 57) n",
            [NOW, NOW],
        )
        conn.execute(
            "INSERT INTO ai_service_checks VALUES ('mail', 'down', 'd', %s, %s), "
            "('flow deliver', 'ok', 'd', %s, %s)",
            [NOW] * 4,
        )
        conn.execute(
            "INSERT INTO ai_backups (name, started_at, finished_at, outcome, bytes) "
            "VALUES ('b', %(at)s, %(at)s, 'good', 5000)",
            {"at": NOW - timedelta(hours=3)},
        )
        conn.execute(
            "INSERT INTO ai_restore_drills (at, backup, kind, outcome, seconds, checks) "
            "VALUES (%s, 'b', 'nightly', 'passed', 3, '{}')",
            [NOW - timedelta(hours=2)],
        )
        conn.execute("INSERT INTO ai_watch_sizes VALUES ('database', %s, 77)", [NOW - timedelta(minutes=5)])
        conn.execute(
            "INSERT INTO ai_llm_calls (at, purpose, prompt_hash, model, digest, options, outcome, "
            "latency_ms) VALUES (%s, 'p', 'h', 'm', 'd', '{}', 'refused', 3)",
            [NOW - timedelta(minutes=5)],
        )
    queue(database, mail("waits"), now=NOW - timedelta(minutes=7))
    return database


def values(text: bytes) -> dict[str, float]:
    """By name and labels, as Prometheus writes them."""
    return {
        sample.name + "".join(f"[{value}]" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_the_figures_are_what_the_tables_say(lived_in: Database, settings: Settings) -> None:
    found = values(exporter.once(lived_in, settings, NOW))
    wanted = {
        "homepot_ai_database_up": 1, "homepot_ai_scoring_scored": 57, "homepot_ai_scoring_due": 60,
        "homepot_ai_rows_refused": 114, "homepot_ai_last_scored_age_seconds": 60,
        "homepot_ai_outbox_waiting[mail]": 1, "homepot_ai_outbox_waiting[channel]": 0,
        "homepot_ai_outbox_oldest_seconds[mail]": 420, "homepot_ai_service_state[mail]": 2,
        "homepot_ai_service_state[flow deliver]": 0, "homepot_ai_backup_age_seconds": 10800,
        "homepot_ai_backup_bytes": 5000, "homepot_ai_restore_drill_passed": 1,
        "homepot_ai_restore_drill_age_seconds": 7200, "homepot_ai_size_bytes[database]": 77,
        "homepot_ai_model_answers[refused]": 1, "homepot_ai_incidents_open[critical]": 0,
        "homepot_ai_alarms_open[warning]": 0,
    }  # fmt: skip
    assert {name: found.get(name) for name in wanted} == wanted


def test_many_sites_are_cut_and_names_are_clean() -> None:
    found = exporter.Figures()
    rows: list[tuple[object, ...]] = [(n, f"Site\n{n % 300}", "healthy", 2, 1.0) for n in range(500)]
    rows.append((3, "Site\n3", "no_data", 7, 0.0))
    exporter._fleet(rows, found)
    assert len(found.health) == exporter.MOST_SITES + 1
    assert found.health["Site 3"] == found.health[exporter.OTHERS] == 0.5
    assert found.devices == dict.fromkeys(exporter.STATUSES, 0.0) | {"healthy": 1000.0, "no_data": 7.0}


def test_with_the_database_away_it_still_says_so(settings: Settings) -> None:
    found = values(exporter.once(Database("postgresql://127.0.0.1:1/x"), settings, NOW))
    assert found["homepot_ai_database_up"] == 0
    assert found["homepot_ai_disk_free_bytes[state]"] > 0
    assert not [name for name in found if name.startswith("homepot_ai_incidents")]


def exported(database: Database, settings: Settings) -> set[str]:
    """Every name that the real door exports once something happened at it."""
    door = Metrics()
    door.request_seconds.labels("r", "GET", "200").observe(0.1)
    door.refused.labels("queue full").inc()
    door.lateness.labels("deliver").set(1)
    door.fleet.register(exporter.Exporter(database, settings, lambda: NOW))
    families = text_string_to_metric_families(door.text().decode())
    return {sample.name for family in families for sample in family.samples}


def test_every_name_in_rules_and_dashboard_is_exported(lived_in: Database, settings: Settings) -> None:
    rules = yaml.safe_load((MONITORING / "prometheus-rules.yml").read_text())
    expressions = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    board = json.loads((MONITORING / "grafana-dashboard.json").read_text())
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]
    expressions += [target["expr"] for panel in panels for target in panel["targets"]]
    wanted = {name for expression in expressions for name in NAME.findall(expression)}
    # Sites and statuses come from scores, which this small world does not have.
    assert wanted - exported(lived_in, settings) <= {"homepot_ai_site_health"}
    assert len(wanted) > 20


def test_the_rules_name_runbooks_that_are_watched() -> None:
    rules = yaml.safe_load((MONITORING / "prometheus-rules.yml").read_text())
    pages = {rule["annotations"]["runbook"] for group in rules["groups"] for rule in group["rules"]}
    assert pages <= {keys.page(name) for name in (*keys.RUNBOOKS, "check-services")}


def test_the_dashboards_panels_do_not_lie_on_each_other() -> None:
    board = json.loads((MONITORING / "grafana-dashboard.json").read_text())
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + i, at["y"] + j) for i in range(at["w"]) for j in range(at["h"])}
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian: prometheus) is not here")
def test_prometheus_takes_rules_and_figures(lived_in: Database, settings: Settings) -> None:
    for command in (
        ["check", "rules", "prometheus-rules.yml"],
        ["test", "rules", "prometheus-rules.test.yml"],
    ):
        subprocess.run(["promtool", *command], cwd=MONITORING, check=True, capture_output=True)
    text = exporter.once(lived_in, settings, NOW)
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
    assert checked.returncode == 0, checked.stdout.decode() + checked.stderr.decode()
