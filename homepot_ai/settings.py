"""One tree of settings: file `homepot-ai.yaml`, then environment `HOMEPOT_AI_*`, then defaults.

Environment wins over the file. Nested names are joined by two underscores:
`HOMEPOT_AI_MAIL__HOST=mail.example.org`. `homepot-ai settings` prints what is
in force and whence. Secrets are never printed.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)

from homepot_ai.errors import SettingsError
from homepot_ai.health.config import HealthConfig
from homepot_ai.hosts import reached_at
from homepot_ai.settings_operations import (
    BackupSettings,
    LogSettings,
    Section,
    SecuritySettings,
    UpSettings,
    WatchSettings,
    WorkerSettings,
)

SETTINGS_FILE = "homepot-ai.yaml"
LEAST_PASSWORD = 12


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError) as error:
        raise ValueError(f"{name!r} is no IANA time zone; write for example Europe/Berlin") from error
    return name


Zone = Annotated[str, AfterValidator(_known_zone)]
Identifier = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,40}$")]


class DatabaseSettings(Section):
    schema_name: Identifier = "homepot_ai"
    homepot_schema: Identifier = "public"
    # Indexes on HOMEPOT's own tables speed up the readers, but they are somebody
    # else's tables: only when the owner says so.
    may_add_indexes: bool = False


class ScoringSettings(Section):
    shards: Annotated[int, Field(ge=1, le=1024)] = 1
    # History that a cold start learns from before it scores its first minute.
    warmup_days: Annotated[int, Field(ge=0, le=90)] = 30
    warmup_rows: Annotated[int, Field(ge=0)] = 2_000_000
    # Of that history, the last days are scored as well, so that the first report has something to tell.
    warmup_scored_days: Annotated[int, Field(ge=0, le=14)] = 2
    # After an outage: minutes scored in one run, and how far back it goes at all.
    catch_up_minutes: Annotated[int, Field(ge=1, le=1440)] = 60
    give_up_after_hours: Annotated[int, Field(ge=1)] = 48
    # A sample may arrive this much later than its own time and is still scored.
    lateness_minutes: Annotated[int, Field(ge=0, le=60)] = 5
    snapshot_hours: Annotated[int, Field(ge=1, le=24 * 14)] = 48
    snapshot_bytes: Annotated[int, Field(ge=0)] = 2_000_000_000


class IncidentSettings(Section):
    # Opened when ill in n of the last m minutes. An anomaly is debounced by the alarm already, so of those
    # that are warning or worse the first minute counts; one that left the device healthy may prove itself.
    warning_n: Annotated[int, Field(ge=1, le=60)] = 1
    warning_m: Annotated[int, Field(ge=1, le=60)] = 1
    info_n: Annotated[int, Field(ge=1, le=60)] = 5
    info_m: Annotated[int, Field(ge=1, le=60)] = 10
    # A device that sends less often than every so many minutes: one value of it is no state yet, however
    # long it stands there. It opens one when so many of its samples were ill.
    sparse_minutes: Annotated[int, Field(ge=2, le=60)] = 5
    sparse_n: Annotated[int, Field(ge=1, le=10)] = 2
    # A silence is not debounced but by its own length; one lost minute between two others is still one.
    silent_n: Annotated[int, Field(ge=1, le=60)] = 2
    silent_m: Annotated[int, Field(ge=1, le=60)] = 3
    # Nothing to be seen of it for so long closes it.
    hold_minutes: Annotated[int, Field(ge=0, le=1440)] = 10
    # What began longer ago than this when it is seen first is history, not news.
    stale_hours: Annotated[int, Field(ge=1, le=720)] = 24
    silent_critical_minutes: Annotated[int, Field(ge=1)] = 60
    group_devices: Annotated[int, Field(ge=2)] = 3
    gateway_share: Annotated[float, Field(gt=0, le=1)] = 0.8
    site_share: Annotated[float, Field(gt=0, le=1)] = 0.6
    # So many are opened one by one within so many minutes; the rest is one incident.
    storm_cap: Annotated[int, Field(ge=1)] = 20
    storm_minutes: Annotated[int, Field(ge=1, le=1440)] = 10
    flap_count: Annotated[int, Field(ge=1)] = 4
    flap_hours: Annotated[int, Field(ge=1, le=168)] = 24
    stable_minutes: Annotated[int, Field(ge=1)] = 120
    forget_days: Annotated[int, Field(ge=1)] = 30
    # Keep a row for each in HOMEPOT's own `alerts`.
    homepot_alerts: bool = True

    @model_validator(mode="after")
    def _possible(self) -> IncidentSettings:
        for kind in ("warning", "info", "silent"):
            n, m = getattr(self, f"{kind}_n"), getattr(self, f"{kind}_m")
            if n > m:
                raise ValueError(f"{kind}_n ({n}) of {kind}_m ({m}) minutes can never be: lower {kind}_n")
        return self


class BacktestSettings(Section):
    # Telemetry rows of the tried range; what is learned from before it is bounded by scoring.warmup_rows.
    max_rows: Annotated[int, Field(ge=1000)] = 10_000_000


class MemorySettings(Section):
    # auto: all-mpnet-base-v2 where a copy of it is on this machine, else the model of the package.
    model: Literal["auto", "all-MiniLM-L6-v2", "all-mpnet-base-v2"] = "auto"
    # A folder with copies of models, one folder each; they are never downloaded.
    models_dir: Path | None = None
    # Operators' runbooks and manuals: Markdown, text, PDF. None: `runbooks` in var_dir.
    runbooks_dir: Path | None = None
    runbook_file_bytes: Annotated[int, Field(ge=1000)] = 20_000_000
    # What is called similar at least; None: as measured (docs/memory.md).
    cut_off: Annotated[float, Field(ge=0, le=1)] | None = None
    # How long a reader waits for a writer of the index, and the other way round.
    lock_seconds: Annotated[float, Field(gt=0, le=300)] = 15.0


class PredictionSettings(Section):
    # What is read, and what a device must have before anything is said of it.
    history_days: Annotated[int, Field(ge=7, le=92)] = 30
    least_days: Annotated[int, Field(ge=2, le=30)] = 5
    # The hour (UTC) whose forecasts make the track record: every device once a day, whatever its risk.
    ledger_hour: Annotated[int, Field(ge=0, le=23)] = 6
    # Fewer failures than this and the model rests on priors; fewer settled and a figure is anecdotal.
    least_failures: Annotated[int, Field(ge=5)] = 20
    least_settled: Annotated[int, Field(ge=5)] = 30
    # Warnings that come to nothing, as a share of all warnings; devices that can be inspected in a day.
    false_alarm_budget: Annotated[float, Field(gt=0, lt=1)] = 0.15
    inspections_per_day: Annotated[float, Field(gt=0, le=1)] = 0.05
    # A visit: how long per device, how far ahead it is planned, and how much later than its own time a device
    # may be looked at to spare the site another visit.
    visit_minutes: Annotated[int, Field(ge=10, le=480)] = 60
    notice_hours: Annotated[int, Field(ge=0, le=336)] = 24
    merge_days: Annotated[int, Field(ge=0, le=30)] = 5


class ReportSettings(Section):
    timezone: Zone = "UTC"
    locale: str = "en"
    paper: Literal["A4", "Letter"] = "A4"
    organisation: str = "HOMEPOT"
    # PDFs that are rendered at the same time, and the address space (MiB) that each may have.
    render_processes: Annotated[int, Field(ge=1, le=64)] = 2
    render_memory_mb: Annotated[int, Field(ge=256, le=65536)] = 1024
    # Sections of one's own, as `package.module.NAME`: see docs/pods.md.
    own_sections: tuple[str, ...] = ()


class MailSettings(Section):
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8025
    security: Literal["none", "starttls", "tls"] = "none"
    user: str | None = None
    password: SecretStr | None = None
    sender: str = "HOMEPOT <reports@homepot.example>"
    unsubscribe: str = "unsubscribe@homepot.example"
    domain: str = "homepot.example"
    timeout_seconds: Annotated[float, Field(gt=0, le=600)] = 30.0
    # A server may take its time over a mail it has taken in full (RFC 5321, 4.5.3.2.6).
    answer_timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 600.0
    ca_file: Path | None = None
    # A report's mail beyond this many megabytes goes without its CSV files, then without its PDF.
    max_megabytes: Annotated[float, Field(gt=0, le=100)] = 5.0


ChannelName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]


class AlertSettings(Section):
    # Name to Apprise URL, with its secret: goes into a block at bootstrap and is never shown.
    channels: dict[ChannelName, SecretStr] = Field(default_factory=dict)
    # Pages of a site on one local day; warnings beyond it wait for the next digest. A site may have its own.
    budget_per_day: Annotated[float, Field(ge=0)] = 10.0
    # More messages than this to one recipient in one run become one.
    storm: Annotated[int, Field(ge=1, le=100)] = 5
    # What is over budget is told together at these intervals after the site's midnight.
    digest_minutes: Annotated[int, Field(ge=15, le=1440)] = 240
    # How often subscribers (routes say it themselves) are reminded of what nobody has acknowledged; 0: never.
    renotify_minutes: Annotated[int, Field(ge=0, le=10080)] = 240
    # Where docs/ can be read in a browser; empty: the path in the checkout is named.
    runbook_url: str = ""
    channel_timeout_seconds: Annotated[float, Field(gt=0, le=120)] = 15.0


class RetentionSettings(Section):
    score_days: Annotated[int, Field(ge=1)] = 14
    hour_days: Annotated[int, Field(ge=31)] = 184
    event_ttl_hours: Annotated[int, Field(ge=1)] = 24 * 7
    events_per_device: Annotated[int, Field(ge=1)] = 100
    # What was sent is kept in ai_reports; its mails need not keep another copy.
    mail_content_days: Annotated[int, Field(ge=1)] = 14
    # What a backtest was asked and answered is kept; its PDF is the bulk of it.
    backtest_pdf_days: Annotated[int, Field(ge=1)] = 92
    # Facts and words of a report are kept, of which its PDF can be rendered again.
    report_pdf_days: Annotated[int, Field(ge=14)] = 184
    report_days: Annotated[int, Field(ge=400)] = 1096
    # Settled forecasts, warnings, visits, fits: the track record looks back over 180 days.
    ledger_days: Annotated[int, Field(ge=181)] = 184
    # Incidents with all that belongs to them, and what memory made of them; outcomes look back over 400 days.
    incident_days: Annotated[int, Field(ge=431)] = 1096
    # A message whose row is gone could be queued again by a run for a moment so long ago.
    outbox_days: Annotated[int, Field(ge=31)] = 366
    audit_days: Annotated[int, Field(ge=31)] = 366
    size_days: Annotated[int, Field(ge=31)] = 184
    # Folders of a vector index that was moved aside, and logs that nobody writes any more.
    aside_days: Annotated[int, Field(ge=1)] = 14
    # What training data are made of; older is in the archive only.
    training_days: Annotated[int, Field(ge=31)] = 184
    prefect_days: Annotated[int, Field(ge=1)] = 7


class PrefectSettings(Section):
    # Beyond loopback the server is not started without `auth`.
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 4200
    # Where the server is reached when it is not a part of `homepot-ai up` here: a unit of systemd, a
    # container, another machine.
    url: Annotated[str, Field(pattern=r"^(https?://[^\s/]+(/[^\s]*)?/api/?)?$")] = ""
    # A PostgreSQL of Prefect's own instead of SQLite, with pg_trgm: for several workers.
    database_url: SecretStr | None = None
    # `user:password` that everybody shows who talks to the server: its screens, workers and programs.
    auth: SecretStr | None = None

    @field_validator("auth")
    @classmethod
    def _a_login(cls, auth: SecretStr | None) -> SecretStr | None:
        if auth is not None:
            user, _, password = auth.get_secret_value().partition(":")
            if not user or len(password) < LEAST_PASSWORD:
                raise ValueError(f"is user:password, the password of at least {LEAST_PASSWORD} characters")
        return auth

    @property
    def api_url(self) -> str:
        """The address of the Prefect server's API."""
        return self.url.rstrip("/") or f"{reached_at(self.host, self.port)}/api"

    @property
    def login(self) -> tuple[str, str] | None:
        """User and password of the server, for an HTTP client; None: it asks for none."""
        if self.auth is None:
            return None
        user, _, password = self.auth.get_secret_value().partition(":")
        return user, password


class OllamaSettings(Section):
    # Nothing is asked where it is off; every word is then a template's.
    enabled: bool = True
    url: Annotated[str, Field(pattern=r"^https?://[^\s/]+/?$")] = "http://127.0.0.1:11434"
    fast: str = "phi3.5:3.8b"
    balanced: str = "llama3.2:3b"
    accurate: str = "mistral:7b"
    preferred: Literal["fast", "balanced", "accurate"] = "balanced"
    num_ctx: Annotated[int, Field(ge=1024, le=131072)] = 8192
    # How long a passage may take in all, in reports and in answers; how long an answer waits for its turn.
    report_deadline_seconds: Annotated[float, Field(gt=0, le=600)] = 60.0
    answer_deadline_seconds: Annotated[float, Field(gt=0, le=60)] = 1.6
    # Who asks at a terminal or on a form has more patience than a program.
    form_deadline_seconds: Annotated[float, Field(gt=0, le=60)] = 10.0
    answer_wait_seconds: Annotated[float, Field(ge=0, le=10)] = 0.3
    keep_alive: str = "30m"
    cache_seconds: Annotated[float, Field(ge=0)] = 300.0
    cache_entries: Annotated[int, Field(ge=0)] = 1000


class ApiSettings(Section):
    # Beyond loopback a token is always required.
    enabled: bool = True
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8300
    # On loopback too.
    token_required: bool = False
    requests_per_minute: Annotated[int, Field(ge=1)] = 600
    # Where people reach it, for links in mails; empty: mails carry none. Others can reach it then, so a token
    # is required.
    public_url: Annotated[str, Field(pattern=r"^(https?://[^\s/]+/?)?$")] = ""
    # Signs the links in mails by which one unsubscribes; without it they carry an address to write to.
    link_secret: SecretStr | None = None
    # Requests worked on at the same time: those that wait for nothing, those that may wait for a model.
    threads: Annotated[int, Field(ge=1, le=64)] = 8
    waiting_threads: Annotated[int, Field(ge=1, le=64)] = 24
    # Beyond so many that wait for a thread, a request is refused at once (503) instead of late.
    queue: Annotated[int, Field(ge=0, le=10000)] = 200
    body_bytes: Annotated[int, Field(ge=1024)] = 65_536


class QuestionSettings(Section):
    timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 5.0
    max_rows: Annotated[int, Field(ge=1, le=10000)] = 200


class DemoSettings(Section):
    mail_port: Annotated[int, Field(ge=1, le=65535)] = 8025
    history_days: Annotated[int, Field(ge=2, le=30)] = 30
    scored_days: Annotated[int, Field(ge=1, le=14)] = 8


def project_home() -> Path:
    """The folder that holds `prefect.yaml`: HOMEPOT_AI_HOME, or the checkout this package lies in."""
    return Path(os.environ.get("HOMEPOT_AI_HOME", Path(__file__).resolve().parent.parent))


class Settings(BaseSettings):
    """Everything that can be set.

    >>> Settings(database_url=None).database.schema_name
    'homepot_ai'
    """

    model_config = SettingsConfigDict(
        env_prefix="HOMEPOT_AI_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    profile: Literal["default", "demo"] = "default"
    home: Path = Field(default_factory=project_home)
    var_dir: Path = Field(default_factory=lambda: project_home() / "var")
    # Another fleet on the same host has a name; the host's own has none. See docs/pods.md.
    pod: Annotated[str, Field(pattern=r"^([a-z][a-z0-9]{0,19})?$")] = ""
    # Where the profiles of pods lie; None: deployments/pods in home.
    pods_dir: Path | None = None
    # Templates, styles, fonts and modes; None: `templates` in home.
    templates_dir: Path | None = None
    # None: the embedded PostgreSQL under var_dir.
    database_url: SecretStr | None = None
    database: DatabaseSettings = DatabaseSettings()
    health: HealthConfig = HealthConfig()
    scoring: ScoringSettings = ScoringSettings()
    incidents: IncidentSettings = IncidentSettings()
    backtest: BacktestSettings = BacktestSettings()
    memory: MemorySettings = MemorySettings()
    prediction: PredictionSettings = PredictionSettings()
    reports: ReportSettings = ReportSettings()
    mail: MailSettings = MailSettings()
    alerts: AlertSettings = AlertSettings()
    retention: RetentionSettings = RetentionSettings()
    prefect: PrefectSettings = PrefectSettings()
    ollama: OllamaSettings = OllamaSettings()
    api: ApiSettings = ApiSettings()
    questions: QuestionSettings = QuestionSettings()
    backup: BackupSettings = BackupSettings()
    watch: WatchSettings = WatchSettings()
    log: LogSettings = LogSettings()
    up: UpSettings = UpSettings()
    security: SecuritySettings = SecuritySettings()
    workers: WorkerSettings = WorkerSettings()
    demo: DemoSettings = DemoSettings()

    @property
    def templates(self) -> Path:
        """Where the templates, styles, fonts and modes lie."""
        return self.templates_dir or self.home / "templates"

    @property
    def pods_folder(self) -> Path:
        """Where the profiles of pods lie, each with its file of secrets."""
        return self.pods_dir or self.home / "deployments" / "pods"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, YamlConfigSettingsSource(settings_cls, settings_file())


def settings_file() -> Path:
    """Where the file of settings is looked for (it need not exist)."""
    return Path(os.environ.get("HOMEPOT_AI_SETTINGS_FILE", project_home() / SETTINGS_FILE))


@lru_cache(maxsize=1)
def load_settings() -> Settings:
    """Read the settings once per process.

    Raises:
        SettingsError: naming every wrong setting in one message.
    """
    try:
        return Settings()
    except ValidationError as error:
        wrong = "\n".join(
            f"  {'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()
        )
        raise SettingsError(
            f"these settings (file {settings_file()} or environment HOMEPOT_AI_*) are wrong:\n{wrong}"
        ) from error


def profile_file(var_dir: Path) -> Path:
    """Where a state folder remembers the profile that it was last brought up with."""
    return var_dir / "run" / "profile"


def settings_for(profile: str | None) -> Settings:
    """The settings of a profile; None: of the environment, else of what the state folder remembers.

    What the demo sets otherwise goes into the environment, so that every child process sees the same.

    Raises:
        SettingsError: the profile, or anything else, is wrong.
    """
    if profile is None and "HOMEPOT_AI_PROFILE" not in os.environ:
        current = load_settings()
        remembered = profile_file(current.var_dir)
        # A database of one's own is no demo, whatever was played in this folder before.
        if current.database_url is None and remembered.is_file():
            profile = remembered.read_text(encoding="utf-8").strip()
    if profile:
        os.environ["HOMEPOT_AI_PROFILE"] = profile
        load_settings.cache_clear()
    settings = load_settings()
    if settings.profile == "demo":
        # Whatever mail server is configured: reports on a sample go to the sink.
        os.environ["HOMEPOT_AI_MAIL__HOST"] = "127.0.0.1"
        os.environ["HOMEPOT_AI_MAIL__PORT"] = str(settings.demo.mail_port)
        os.environ["HOMEPOT_AI_MAIL__SECURITY"] = "none"
        # Somebody is told of what is wrong with the demo itself, so that it can be seen in the sink.
        os.environ.setdefault("HOMEPOT_AI_WATCH__MAIL_TO", '["ops@homepot.example"]')
        # Most of the sample's devices are there.
        os.environ.setdefault("HOMEPOT_AI_REPORTS__TIMEZONE", "Europe/Berlin")
        load_settings.cache_clear()
        settings = load_settings()
    return settings
