"""The HTTP door over a real database: who gets in, what they see, and what an error looks like."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes
from email.policy import SMTP

import psycopg
import pytest
from fastapi.testclient import TestClient

from homepot_ai.answers.contracts import Problem
from homepot_ai.reporting.letter import Letter, compose
from homepot_ai.reporting.one_click import Leaving, link
from homepot_ai.settings import ApiSettings, OllamaSettings, PrefectSettings, Settings
from homepot_ai.store.database import Database
from tests.door_world import NOW, SECRET, door, fill, token

READING = (
    "/api/ai/analyze/{device}", "/api/ai/predict/{device}", "/api/ai/report/{device}",
    "/api/ai/report/{device}?report_type=incident&period=7d", "/api/ai/insights/{site}",
)  # fmt: skip


@pytest.fixture(scope="module")
def world(postgres: str, empty_template: str) -> Database:
    with psycopg.connect(postgres, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE test_door TEMPLATE {empty_template}")
    db = Database(postgres.replace("/homepot?", "/test_door?"))
    fill(db)
    return db


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(
        var_dir=tmp_path_factory.mktemp("door"),
        ollama=OllamaSettings(enabled=False),
        prefect=PrefectSettings(port=9),  # nobody listens there
    )


@pytest.fixture(scope="module")
def local(world: Database, config: Settings) -> Iterator[TestClient]:
    with door(world, config) as client:
        yield client


@pytest.fixture(scope="module")
def guarded(world: Database, config: Settings) -> Iterator[TestClient]:
    with door(world, config, token_required=True) as client:
        yield client


class TestAnswers:
    def test_a_device_that_is_ill(self, local: TestClient) -> None:
        found = local.get("/api/ai/analyze/13?period=1h").json()
        seen = found["analysis"]
        assert (found["device_id"], found["device_name"], found["period"]) == (13, "Kiosk/3", "1h")
        assert (seen["status"], seen["health_score"], seen["anomalies_detected"]) == ("critical", 0.3, 1)
        assert "Kiosk/3 at Berlin is critical, with a health score of 0.30." in seen["summary"]
        assert found["metrics"] == {
            "avg_cpu_percent": 12.0,
            "max_cpu_percent": 12.0,
            "uptime_percentage": 100.0,
        }
        past = seen["similar_past_incidents"]
        assert {one["resolution"] for one in past} == {"restarted the agent", "restarted the guarded agent"}
        assert any("Look at the CPU" in said for said in seen["recommendations"])
        assert found["grounded"]["worded_by"] == "template"

    def test_a_device_without_data_is_not_healthy(self, local: TestClient) -> None:
        found = local.get("/api/ai/analyze/22?period=1h").json()
        assert (found["analysis"]["status"], found["analysis"]["health_score"]) == ("no_data", None)
        assert found["metrics"] == {"uptime_percentage": 0.0}
        assert "without data" in found["analysis"]["summary"]

    @pytest.mark.parametrize("name", ["DEVICE-0013", "13", "Kiosk/3", "kiosk/3", "Kiosk%2F3"])
    def test_public_id_number_and_exact_name_mean_the_same(self, local: TestClient, name: str) -> None:
        assert local.get(f"/api/ai/predict/{name}").json()["device_id"] == 13

    def test_what_is_foretold(self, local: TestClient) -> None:
        found = local.get("/api/ai/predict/13?horizon=7d").json()
        disk, day, week = found["predictions"]
        assert disk["prediction"] == "Disk reaches 90.0 %"
        assert disk["interval"]["low"] == "2026-11-23T12:00:00Z"
        assert disk["interval"]["high"] is None
        assert (day["confidence"], week["confidence"], found["risk_score"]) == (0.02, 0.3, 0.3)
        assert week["reasoning"] == "disk trend 1.2 %/day (usual 0.1)"
        assert found["track_record"] == {"n": 0, "hit_rate": None, "brier_skill": None, "coverage": None}
        unjudged = local.get("/api/ai/predict/11").json()
        assert unjudged["risk_score"] is None
        assert "no run" in unjudged["predictions"][0]["reasoning"]

    def test_a_site(self, local: TestClient) -> None:
        found = local.get("/api/ai/insights/berlin?days=7").json()
        seen = found["insights"]
        assert (found["site_id"], seen["total_devices"], seen["overall_health"]) == (1, 3, "critical")
        assert (seen["devices_healthy"], seen["devices_critical"]) == (2, 1)
        assert set(seen["cost_analysis"].values()) == {None}  # no rates, no figures

    def test_every_part_by_name(self, local: TestClient) -> None:
        found = local.get("/api/ai/status").json()
        assert (found["database"], found["ollama_status"]) == ("ok", "off")
        assert found["prefect"].startswith("down")
        text = local.get("/metrics").text
        assert 'homepot_ai_part_up{part="database"} 1.0' in text
        assert "homepot_ai_scored_minute_age_seconds 0.0" in text
        assert 'route="/api/ai/status"' in text

    def test_a_report_that_nobody_made_needs_prefect_and_says_so(self, local: TestClient) -> None:
        answer = local.get("/api/ai/report/13")
        assert answer.status_code == 503
        assert answer.json()["part"] == "prefect"
        assert answer.headers["retry-after"]

    def test_preferences_are_kept_and_followed(self, local: TestClient) -> None:
        assert local.get("/api/ai/preferences").json() == {"mode": "maintenance", "language": "en"}
        put = local.put("/api/ai/preferences", json={"mode": "executive", "language": "de"})
        assert put.status_code == 200
        assert local.get("/api/ai/analyze/11").json()["mode"] == "executive"
        assert local.get("/api/ai/analyze/11?mode=predictive").json()["mode"] == "predictive"
        local.put("/api/ai/preferences", json={"mode": "maintenance", "language": "en"})


class TestProblems:
    @pytest.mark.parametrize(
        ("method", "path", "status", "says"),
        [
            ("GET", "/api/ai/analyze/Kiosk 4", 404, "did you mean: Kiosk/3?"),
            ("GET", "/api/ai/analyze/%00", 404, "there is no device"),
            ("GET", "/api/ai/analyze/99999999999999999999", 404, "there is no device"),
            ("GET", "/api/ai/analyze/13?period=2h", 422, "period"),
            ("GET", "/api/ai/insights/Berlin?days=0", 422, "days"),
            ("GET", "/api/ai/nothing", 404, "nothing at this address"),
            ("DELETE", "/api/ai/status", 405, "does not take this method"),
            ("GET", "/api/ai/unsubscribe?token=x", 404, "not made here"),
            ("GET", "/api/ai/runs/17", 422, "run_id"),
            ("GET", "/api/ai/analyze/13?perid=1h", 422, "no parameter 'perid'; there are: period, mode"),
        ],
    )
    def test_every_error_is_a_problem(
        self, local: TestClient, method: str, path: str, status: int, says: str
    ) -> None:
        answer = local.request(method, path, headers={"X-Request-Id": "request-1234"})
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["x-request-id"] == "request-1234"
        problem = Problem.model_validate(answer.json())
        assert says in problem.detail
        assert (problem.status, problem.request_id) == (status, "request-1234")

    def test_nearest_names_are_offered(self, local: TestClient) -> None:
        assert local.get("/api/ai/analyze/till").json()["nearest"] == ["Till 1", "Till 2"]

    @pytest.mark.parametrize(
        ("body", "kind", "status"),
        [
            (b"{", "application/json", 400),
            (b"{}", "application/json", 422),
            (b'{"mode": "x\xed\xa0\x80"}', "application/json", 422),
            (b'{"mode": "maintenance"}', "text/plain", 415),
            (b" " * 70_000, "application/json", 413),
        ],
    )
    def test_a_body_that_is_no_use(self, local: TestClient, body: bytes, kind: str, status: int) -> None:
        answer = local.put("/api/ai/preferences", content=body, headers={"Content-Type": kind})
        assert (answer.status_code, answer.json()["status"]) == (status, status)

    def test_a_body_without_a_length_is_cut_off(self, local: TestClient) -> None:
        def pieces() -> Iterator[bytes]:
            for _ in range(100):
                yield b" " * 1000

        answer = local.put(
            "/api/ai/preferences", content=pieces(), headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 413

    def test_a_database_that_is_away_is_named(self, world: Database, config: Settings) -> None:
        gone = Database("postgresql://nobody@127.0.0.1:9/none")
        with door(gone, config) as client:
            answer = client.get("/api/ai/predict/13")
            assert (answer.status_code, answer.json()["part"]) == (503, "database")
            assert "nobody@" not in answer.text
            status = client.get("/api/ai/status").json()
            assert status["database"].startswith("down")
            assert client.get("/health").json() == {"status": "alive"}

    def test_a_mistake_of_ours_tells_nothing_but_its_number(
        self, local: TestClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_: object, **__: object) -> None:
            raise ZeroDivisionError("secret inside")

        monkeypatch.setattr("homepot_ai.answers.predict.predict", broken)
        answer = local.get("/api/ai/predict/13")
        assert answer.status_code == 500
        assert "secret" not in answer.text
        assert answer.json()["request_id"] == answer.headers["x-request-id"]


class TestAccess:
    @pytest.mark.parametrize(
        ("header", "says"),
        [
            ({}, "a token is required"),
            ({"Authorization": "Bearer hpa_wrong"}, "not known"),
            ({"Authorization": "Basic YTpi"}, "Bearer"),
            ({"Authorization": "Bearer "}, "Bearer"),
        ],
    )
    def test_without_a_token_nobody_gets_in(
        self, guarded: TestClient, header: dict[str, str], says: str
    ) -> None:
        paths = [path.format(device=13, site=1) for path in READING]
        for path in [*paths, "/api/ai/status", "/api/ai/preferences", "/metrics"]:
            answer = guarded.get(path, headers=header)
            assert answer.status_code == 401, path
            assert says in answer.json()["detail"]
            assert answer.headers["www-authenticate"].startswith("Bearer")
        asked = guarded.post("/api/ai/query", json={"question": "how are you?"}, headers=header)
        assert asked.status_code == 401
        assert guarded.get("/health").status_code == 200

    def test_a_token_is_for_what_it_was_made_for(self, guarded: TestClient, world: Database) -> None:
        reader = token(world, "reader", ["read"])
        assert guarded.get("/api/ai/predict/13", headers=reader).status_code == 200
        for path in ("/api/ai/report/13", "/api/ai/preferences", "/metrics"):
            refused = guarded.get(path, headers=reader)
            assert (refused.status_code, refused.json()["title"]) == (403, "Forbidden")
        assert guarded.get("/metrics", headers=token(world, "scraper", ["metrics"])).status_code == 200

    def test_a_revoked_or_expired_token_is_none(self, guarded: TestClient, world: Database) -> None:
        for name, column in (("gone", "revoked_at"), ("old", "expires_at")):
            header = token(world, name)
            assert guarded.get("/api/ai/predict/13", headers=header).status_code == 200
            with world.admin() as conn:
                conn.execute(f"UPDATE ai_api_tokens SET {column} = '2026-11-20 11:59Z' WHERE name = '{name}'")
            assert guarded.get("/api/ai/predict/13", headers=header).status_code == 401

    def test_a_token_of_one_site_gets_nothing_of_another(self, guarded: TestClient, world: Database) -> None:
        header = token(world, "berlin", ["admin"], sites=[1])
        for device, site in (("21", "2"), ("DEVICE-0021", "SITE-2"), ("Vault", "Zanzibar"), ("Vau", "Zanzi")):
            for path in READING:
                answer = guarded.get(path.format(device=device, site=site), headers=header)
                assert answer.status_code == 404, path
                assert "nearest" not in answer.json() or set(answer.json()["nearest"]).isdisjoint(SECRET)
        # What it may see tells nothing of the other site either.
        for path in READING:
            answer = guarded.get(path.format(device=13, site=1), headers=header)
            assert answer.status_code in (200, 503)
            assert not [word for word in SECRET if word in answer.text], path
        similar = guarded.get("/api/ai/analyze/13?period=1h", headers=header).json()["analysis"]
        assert [one["resolution"] for one in similar["similar_past_incidents"]] == ["restarted the agent"]
        assert not [word for word in SECRET if word in guarded.get("/api/ai/status", headers=header).text]

    def test_a_token_without_sites_sees_none(self, guarded: TestClient, world: Database) -> None:
        header = token(world, "nowhere", ["admin"], sites=[])
        for path in READING:
            assert guarded.get(path.format(device=13, site=1), headers=header).status_code == 404

    @pytest.mark.parametrize(
        ("header", "status"),
        [
            ({"Host": "rebound.example:8300"}, 403),
            ({"Origin": "https://evil.example"}, 403),
            ({"Origin": "null"}, 403),
            ({"X-Forwarded-For": "10.0.0.9"}, 401),
            ({"Host": "localhost:8300", "Origin": "http://127.0.0.1:8300"}, 200),
        ],
    )
    def test_without_a_token_only_this_machine_itself(
        self, local: TestClient, header: dict[str, str], status: int
    ) -> None:
        assert local.get("/api/ai/predict/13", headers=header).status_code == status

    @pytest.mark.parametrize("api", [{"host": "0.0.0.0"}, {"public_url": "https://ai.example.org"}])
    def test_beyond_this_machine_a_token_is_always_required(
        self, world: Database, config: Settings, api: dict[str, str]
    ) -> None:
        with door(world, config, **api) as client:
            assert client.get("/api/ai/predict/13").status_code == 401

    def test_too_many_requests_are_told_when_to_come_again(self, world: Database, config: Settings) -> None:
        with door(world, config, requests_per_minute=3) as client:
            codes = [client.get("/api/ai/predict/13").status_code for _ in range(5)]
            assert codes == [200, 200, 200, 429, 429]
            header = token(world, "patient")
            other = client.get("/api/ai/predict/13", headers=header)
            assert other.status_code == 200  # counted by itself
            refused = client.get("/api/ai/predict/13")
            assert int(refused.headers["retry-after"]) > 0

    def test_what_was_asked_is_in_the_audit_log(self, world: Database, config: Settings) -> None:
        with door(world, config, token_required=True) as client:
            header = token(world, "audited", ["read"])
            client.get("/api/ai/predict/Vault", headers=header | {"X-Request-Id": "audit-0001"})
            client.get("/api/ai/report/13", headers=header)
        with world.admin() as conn:
            rows = conn.execute(
                "SELECT action, subject, details->>'status', details->>'request' FROM ai_audit_log "
                "WHERE actor IN ('token audited', 'somebody at 127.0.0.1') ORDER BY id DESC LIMIT 2"
            ).fetchall()
            used = conn.execute("SELECT last_used_at FROM ai_api_tokens WHERE name = 'audited'").fetchone()
        assert rows[1] == ("GET /api/ai/predict/{device_id}", "Vault", "200", "audit-0001")
        assert rows[0][:3] == ("GET /api/ai/report/{device_id}", "13", "403")
        assert used is not None
        assert used[0] is not None


class TestUnsubscribe:
    def test_one_click_ends_what_the_mail_was_about(self, world: Database, config: Settings) -> None:
        api = {"public_url": "https://ai.example.org", "link_secret": "s3cret"}
        chosen = config.model_copy(update={"api": ApiSettings(**api)})
        with world.admin() as conn:
            for scope in (1, 2):
                conn.execute(
                    "INSERT INTO ai_subscriptions (email, kind, scope, scope_id, mode) "
                    "VALUES ('ann@example.org', 'daily', 'site', %s, 'maintenance')",
                    [scope],
                )
        url = link(chosen, Leaving("Ann@Example.org", "daily-site1"))
        assert url is not None
        path = url.removeprefix("https://ai.example.org")
        letter = Letter("Grüße", NOW, "text", "<p>html</p>", "daily-site1", "rpt", "en", {}, {}, {})
        mail = message_from_bytes(compose(letter, "ann@example.org", chosen, "<1@x>"), policy=SMTP)
        assert mail["List-Unsubscribe"].startswith(f"<{url}>,")
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert mail["Subject"] == "Grüße"
        with door(world, config, **api) as client:
            page = client.get(path)
            assert "<button>" in page.text
            assert "ann@example.org" in page.text
            assert client.post(path).status_code == 422  # a fetched link unsubscribes nobody
            changed = path[:-4] + ("AAAA" if not path.endswith("AAAA") else "BBBB")
            assert client.post(changed, content="List-Unsubscribe=One-Click").status_code == 403
            assert client.post(path, content="List-Unsubscribe=One-Click").json() == {"ended": 1}
            assert client.post(path, content="List-Unsubscribe=One-Click").json() == {"ended": 0}
        with world.admin() as conn:
            left = conn.execute("SELECT scope_id FROM ai_subscriptions WHERE active").fetchall()
        assert left == [(2,)]


class TestQuestions:
    def test_a_question_is_answered_and_says_how_it_was_understood(self, local: TestClient) -> None:
        answer = local.post("/api/ai/query", json={"question": "how is Till 1?", "timezone": "Europe/Berlin"})
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert found["intent"] == "device_status"
        assert [device["id"] for device in found["relevant_devices"]] == [11]
        assert "Till 1" in found["understood_as"]
        assert found["grounded"]["worded_by"] == "template"

    def test_a_question_of_one_site_finds_nothing_of_another(
        self, guarded: TestClient, world: Database
    ) -> None:
        header = token(world, "asks in berlin", ["ask"], sites=[1])
        for asked in (
            "how is Vault?",
            "status of Zanzibar",
            "worst devices",
            "open incidents",
            "list devices",
        ):
            answer = guarded.post("/api/ai/query", json={"question": asked}, headers=header)
            assert answer.status_code == 200, answer.text
            told = answer.text.replace(asked, "")
            assert not [
                word for word in SECRET if word.lower() in told.lower() and word.lower() not in asked.lower()
            ]


def test_an_analysis_in_german(world: Database, config: Settings) -> None:
    with door(world, config) as client:
        client.put("/api/ai/preferences", json={"mode": "maintenance", "language": "de"})
        said = client.get("/api/ai/analyze/13?period=1h").json()["analysis"]["summary"]
        client.put("/api/ai/preferences", json={"mode": "maintenance", "language": "en"})
    assert said.startswith("Kiosk/3 in Berlin ist kritisch, mit einem Gesundheitswert von 0,30.")
    assert "Zeitraum letzte Stunde: 1 Anomalie." in said
