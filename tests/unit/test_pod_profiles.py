"""What a pod's profile and its file of secrets may say, and what its programs see of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from deployments import catalogue
from deployments.pod import catalogue as pod_catalogue
from deployments.pod import check as pod_check
from deployments.pod import profiles, rendering
from deployments.pod import templates as pod_templates
from deployments.up import require_own_server
from homepot_ai import pod_names
from homepot_ai.errors import NotFound, SettingsError
from homepot_ai.settings import Settings, load_settings, project_home

ROOT = project_home()


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The host's settings, with a secret of its own, and a folder for pods."""
    for name in [name for name in os.environ if name.startswith("HOMEPOT_AI_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOMEPOT_AI_MAIL__PASSWORD", "host-secret-marker")
    monkeypatch.setenv("HOMEPOT_AI_SETTINGS_FILE", str(tmp_path / "none.yaml"))
    load_settings.cache_clear()
    folder = tmp_path / "pods"
    folder.mkdir()
    return Settings(
        var_dir=tmp_path / "var",
        pods_dir=folder,
        database_url="postgresql://host:pw@db.example.org/homepot",
        api={"port": 8300},
        prefect={"port": 4999},
    )


def written(host: Settings, name: str = "east", secrets: str = "", **said: object) -> profiles.Pod:
    """A pod with these files."""
    assert host.pods_dir is not None
    file = host.pods_dir / f"{name}.yaml"
    file.write_text(yaml.safe_dump({"description": "East", "settings": {"api": {"port": 8310}}} | said))
    env = file.with_suffix(".env")
    env.write_text(secrets)
    env.chmod(0o600)
    return profiles.load(host.pods_dir, name)


def seen(pod: profiles.Pod, host: Settings, tmp_path: Path) -> Settings:
    return rendering.settings_of(
        pod, host, rendering.write(rendering.rendered(pod, host), tmp_path / "settings.yaml")
    )


def broken(pod: profiles.Pod, host: Settings) -> str:
    """What its check finds broken, as one text."""
    found = pod_check.examine(pod, host)
    return "\n".join(f"{one.service}: {one.detail}" for one in found if one.state == "down")


def test_a_pods_programs_see_its_settings_and_nothing_of_the_hosts(host: Settings, tmp_path: Path) -> None:
    pod = written(
        host,
        secrets="# of east\nHOMEPOT_AI_DATABASE_URL=postgresql://east:east-secret@db.example.org/homepot\n",
        settings={"database": {"homepot_schema": "east_homepot"}, "api": {"port": 8310}},
        sections=["east_ops.sections.TILLS"],
    )
    settings = seen(pod, host, tmp_path)
    assert (settings.pod, settings.database.schema_name) == ("east", "east")
    assert settings.database.homepot_schema == "east_homepot"
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value().startswith("postgresql://east:")
    assert settings.var_dir == host.var_dir.resolve() / "pods" / "east"
    assert settings.prefect.port == 4999, "one Prefect server for all"
    assert settings.mail.password is None
    assert settings.reports.own_sections == ("east_ops.sections.TILLS",)
    env = rendering.environment_of(pod, host, tmp_path / "settings.yaml", dict(os.environ))
    assert "host-secret-marker" not in str(env)
    # The rendered file holds no secret, and the host's environment is as it was.
    assert "east-secret" not in (tmp_path / "settings.yaml").read_text()
    assert os.environ["HOMEPOT_AI_MAIL__PASSWORD"] == "host-secret-marker"
    assert load_settings().pod == ""


@pytest.mark.parametrize("name", ["East", "e-ast", "channel", "1east", "a" * 21, "ost ", "öst", "../east"])
def test_names_that_could_be_mistaken_are_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="cannot be a pod's name"):
        profiles.check_name(name)


def test_no_two_fleets_ever_share_a_name_on_the_server() -> None:
    # The host's channel `east-telegram` and the pod east's channel `telegram`, among others.
    from blocks.alert_channel import document

    assert document("east-telegram") != document("telegram", "east")
    assert pod_names.deployment("count-tills", "east") != pod_names.deployment("east-count-tills", "")
    made = {pod_names.slug(name, pod) for pod in ("", "east", "eastern") for name in ("minute", "fleet")}
    assert len(made) == 6
    with pytest.raises(SettingsError):
        profiles.check_name("channel")  # its fleet's block would look like the host's channel


def test_an_unknown_pod_names_those_there_are(host: Settings) -> None:
    written(host)
    assert host.pods_dir is not None
    with pytest.raises(NotFound, match="no pod 'west'; did you mean: east"):
        profiles.load(host.pods_dir, "west")


def test_everything_that_is_wrong_is_named_at_once(host: Settings) -> None:
    with pytest.raises(SettingsError) as told:
        written(host, colour="red", schedules={"daily-report": {"cron": "0 7 * * *", "every_minutes": 5}})
    assert "colour: Extra inputs" in str(told.value)
    assert "say either cron or every_minutes" in str(told.value)


def test_a_secret_in_the_profile_is_sent_to_the_other_file(host: Settings) -> None:
    with pytest.raises(SettingsError) as told:
        written(
            host,
            settings={
                "mail": {"password": "marker-1"},
                "alerts": {"channels": {"ops": "marker-2"}},
                "pod": "west",
            },
        )
    said = str(told.value)
    assert "settings.mail.password is a secret: write HOMEPOT_AI_MAIL__PASSWORD=... into east.env" in said
    assert "settings.alerts.channels is a secret" in said
    assert "settings.pod is not for a profile" in said
    assert "marker" not in said


def test_secrets_that_others_may_read_are_refused(host: Settings) -> None:
    pod = written(host, secrets="HOMEPOT_AI_MAIL__PASSWORD=marker\n")
    assert rendering.secrets(pod) == {"HOMEPOT_AI_MAIL__PASSWORD": "marker"}
    pod.env_file.chmod(0o640)
    with pytest.raises(SettingsError, match="chmod 600") as told:
        rendering.secrets(pod)
    assert "marker" not in str(told.value)
    assert "chmod 600" in broken(pod, host)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("my-password-marker", "line 1: write HOMEPOT_AI_NAME=value"),
        ("HOMEPOT_AI_MAIL__PASWORD=marker", "HOMEPOT_AI_MAIL__PASWORD is no setting"),
        ("PATH=/marker", "PATH is no setting"),
        ("HOMEPOT_AI_POD=marker", "HOMEPOT_AI_POD is not for a pod's file of secrets"),
    ],
)
def test_a_line_that_would_be_ignored_is_refused_unshown(host: Settings, line: str, said: str) -> None:
    pod = written(host, secrets=f"{line}\n")
    with pytest.raises(SettingsError, match=said) as told:
        rendering.secrets(pod)
    assert "marker" not in str(told.value)


def test_what_another_fleet_has_is_not_taken(host: Settings) -> None:
    address = "HOMEPOT_AI_DATABASE_URL=postgresql://east:pw@db.example.org/homepot\n"
    written(host, "west", address, settings={"api": {"port": 8311}, "database": {"homepot_schema": "w"}})
    pod = written(
        host, secrets=address, settings={"api": {"port": 8311}, "database": {"schema_name": "west"}}
    )
    said = broken(pod, host)
    assert "api.port 8311 is api.port of the pod west: choose another" in said
    assert "database.schema_name west in the same database is that of the pod west" in said
    assert "database.homepot_schema public in the same database is the fleet of the host" in said
    assert "pw" not in said


def test_a_wrong_setting_is_named_with_the_pods_files(host: Settings) -> None:
    said = broken(written(host, settings={"mail": {"port": 0}, "api": {"prot": 1}}), host)
    assert "mail.port" in said
    assert "api.prot" in said
    assert "east.yaml or east.env" in said
    assert "hp-pod-" not in said, "no scratch file that nobody knows"


@pytest.mark.parametrize(
    ("schedules", "said"),
    [
        ({"daily-rapport": False}, "there is no deployment daily-rapport"),
        ({"daily-report": {"cron": "7 o'clock"}}, "is no cron line"),
        ({"daily-report": {"cron": "30 2 * * *"}}, "does not exist once a year"),
        ({"backtest": {"cron": "0 3 * * *", "timezone": "Europe/Berlin"}}, "does not exist once a year"),
    ],
)
def test_schedules_that_cannot_be(host: Settings, schedules: dict[str, object], said: str) -> None:
    assert said in broken(written(host, schedules=schedules), host)


def test_what_a_pod_deploys(host: Settings) -> None:
    own = {
        "name": "count-tills",
        "entrypoint": "east_ops.flows.count_tills",
        "description": "Counts the tills of each site.",
        "schedule": {"cron": "30 5 * * *"},
    }
    written(
        host,
        deployments=[own],
        schedules={
            "daily-report": {"cron": "0 7 * * *"},
            "predict-failures": {"every_minutes": 120},
            "learn-hazards": False,
        },
    )
    settings = Settings(pod="east", pods_dir=host.pods_dir, var_dir=host.var_dir)
    zones = ["Asia/Singapore", "Europe/Berlin"]
    mine = {entry["name"]: entry for entry in catalogue.render(settings, zones)["deployments"]}
    usual = {entry["name"]: entry for entry in catalogue.render(host, zones)["deployments"]}
    assert set(mine) == set(usual) - pod_catalogue.OF_THE_HOST | {"count-tills"}
    mornings = mine["daily-report"]["schedules"]
    assert [(one["cron"], one["timezone"]) for one in mornings] == [("0 7 * * *", zone) for zone in zones]
    assert [one["parameters"] for one in mornings] == [{"timezone": zone} for zone in zones]
    assert [one["interval"] for one in mine["predict-failures"]["schedules"]] == [7200]
    assert {one["active"] for one in mine["learn-hazards"]["schedules"]} == {False}
    assert mine["score-health"]["schedules"] == usual["score-health"]["schedules"]
    assert mine["count-tills"]["schedules"][0]["active"]
    resting = catalogue.render(settings, zones, scheduled=False)["deployments"]
    assert not any(one["active"] for entry in resting for one in entry["schedules"])


def test_on_the_server_nothing_of_a_pod_is_called_as_the_hosts(host: Settings) -> None:
    written(host)
    settings = Settings(pod="east", pods_dir=host.pods_dir, var_dir=host.var_dir)
    path = host.var_dir / "prefect.yaml"
    names = catalogue.write(settings, [], path)
    entries = yaml.safe_load(path.read_text())["deployments"]
    assert all(name.startswith("east.") for name in names)
    assert {entry["work_pool"]["name"] for entry in entries} == {"east-minute", "east-batch"}
    assert all("homepot-ai.east" in entry["tags"] for entry in entries)
    assert not any("homepot-ai" in entry["tags"] for entry in entries), "the host would remove them"
    listening = [trigger["match"] for entry in entries for trigger in entry.get("triggers", [])]
    assert listening
    assert {match["prefect.resource.id"] for match in listening} == {"homepot-pod.east.incident.*"}
    theirs = catalogue.write(host, [], path)
    assert set(theirs) == {entry.name for entry in catalogue.for_profile(ROOT, "default")}


def test_a_pods_templates_stand_in_front_of_the_hosts(tmp_path: Path) -> None:
    own, target = tmp_path / "own", tmp_path / "made"
    (own / "styles").mkdir(parents=True)
    (own / "styles" / "report.css").write_text("/* east */")
    base = ROOT / "templates"
    made = pod_templates.overlay(base, own, target)
    assert (made / "styles" / "report.css").read_text() == "/* east */"
    report = Path("reports") / "report.html.j2"
    assert (made / report).read_bytes() == (base / report).read_bytes()
    assert pod_templates.overlay(base, own, target) == made, "made once"
    (own / "styles" / "report.css").write_text("/* further east */")
    newer = pod_templates.overlay(base, own, target)
    assert newer != made
    assert (made / "styles" / "report.css").read_text() == "/* east */", "who reads it is not disturbed"
    # Killed while it was made: what is there in part is not taken for whole.
    (own / "styles" / "report.css").write_text("/* north */")
    half = target / f"{pod_templates._digest(base, own)}.part"
    half.mkdir()
    assert (pod_templates.overlay(base, own, target) / report).is_file()
    assert not half.exists()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("mail/alarms.html.j2", "", "there is no such template to stand in front of"),
        ("mail/alert.html.j2", "{% if %}", "mail/alert.html.j2: "),
        ("modes/executive.yaml", "title: Boss", "modes/executive.yaml: executive.yaml is not a mode"),
    ],
)
def test_templates_that_could_not_be_used_are_named(host: Settings, name: str, text: str, said: str) -> None:
    assert host.pods_dir is not None
    file = host.pods_dir / "own" / name
    file.parent.mkdir(parents=True)
    file.write_text(text)
    assert said in broken(written(host, templates="own"), host)


def test_folders_outside_are_refused(host: Settings) -> None:
    with pytest.raises(SettingsError, match="is no folder inside of"):
        written(host, templates="../../elsewhere")
    assert host.pods_dir is not None
    (host.pods_dir / "link").symlink_to("/")
    with pytest.raises(SettingsError, match="is no folder inside of"):
        written(host, python_path="link")


def test_the_example_is_a_good_pod(host: Settings) -> None:
    pod = profiles.load(ROOT / "deployments" / "pods", "example")
    found = pod_check.examine(pod, host.model_copy(update={"pods_dir": pod.file.parent}))
    assert [one for one in found if one.state == "down"] == []
    assert "1 flows and 1 sections" in {one.detail for one in found}


def test_own_code_that_cannot_run_is_told_before(host: Settings) -> None:
    assert host.pods_dir is not None
    package = host.pods_dir / "code" / "east_ops"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("print('hello from an import')\nPLUGIN = 3\n")
    (package / "flows.py").write_text("from prefect import flow\n\n@flow(name='other')\ndef count(): ...\n")
    own = {"name": "count", "entrypoint": "east_ops.flows.count", "description": "Counts this and that."}
    pod = written(
        host,
        python_path="code",
        sections=["east_ops.PLUGIN", "east_ops.nowhere.PLUGIN"],
        deployments=[own, own | {"name": "add", "entrypoint": "east_ops.flows.add"}],
    )
    said = broken(pod, host)
    assert "east_ops.PLUGIN is no Plugin" in said
    assert "the section east_ops.nowhere.PLUGIN cannot be loaded: ModuleNotFoundError" in said
    assert "count: its flow is called 'other'; give both the same name" in said
    assert "count: its flow has no timeout_seconds" in said
    assert "add: east_ops.flows.add cannot be loaded: AttributeError" in said


def test_no_lock_of_one_fleet_holds_up_another_in_the_same_database() -> None:
    shared = {
        "'homepot-ai ollama '",  # one language model for all of them, on purpose
        "'homepot-ai sample fleet'",  # only in an embedded database
    }
    for file in (ROOT / "homepot_ai").rglob("*.sql"):
        for line in file.read_text(encoding="utf-8").splitlines():
            if "advisory" in line and "SELECT" in line and "unlock_all" not in line:
                own = any(word in line for word in ("current_schema()", "%(schema)s", "::regclass"))
                assert own or any(word in line for word in shared), f"{file.name}: {line}"


def test_where_units_run_the_server_a_pod_comes_up_and_the_host_says_what_does(
    host: Settings, tmp_path: Path
) -> None:
    url = "http://127.0.0.1:4999/api"
    host = host.model_copy(update={"prefect": host.prefect.model_copy(update={"url": url})})
    pod = seen(written(host), host, tmp_path)
    assert (pod.pod, pod.prefect.api_url) == ("east", url)
    require_own_server(pod)
    with pytest.raises(SettingsError, match=r"systemctl start homepot-ai\.target"):
        require_own_server(host)
