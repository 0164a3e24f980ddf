"""Whatever the OpenAPI document allows, or does not: the door answers as the document says."""

from __future__ import annotations

import psycopg
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import positive_data_acceptance

from homepot_ai.api.app import create_app
from homepot_ai.language.model import NoModel
from homepot_ai.settings import ApiSettings, OllamaSettings, PrefectSettings, Settings
from homepot_ai.store.database import Database
from tests.door_world import NOW, fill, token

HEADER: dict[str, str] = {}
OPERATIONS = [
    (method, path)
    for path, methods in create_app(Settings(), Database(""), NoModel()).openapi()["paths"].items()
    for method in methods
]


@pytest.fixture(scope="module")
def document(
    postgres: str, empty_template: str, tmp_path_factory: pytest.TempPathFactory
) -> schemathesis.schemas.BaseSchema:
    with psycopg.connect(postgres, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE test_schema TEMPLATE {empty_template}")
    db = Database(postgres.replace("/homepot?", "/test_schema?"))
    fill(db)
    chosen = Settings(
        var_dir=tmp_path_factory.mktemp("schema"),
        ollama=OllamaSettings(enabled=False),
        prefect=PrefectSettings(port=9),
        api=ApiSettings(token_required=True, requests_per_minute=1_000_000, link_secret="s3cret"),
    )
    HEADER.update(token(db, "schemathesis"))
    app = create_app(chosen, db, NoModel(), now=lambda: NOW)
    return schemathesis.openapi.from_asgi("/openapi.json", app)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["good", "bad"])
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_route_keeps_to_the_document(
    document: schemathesis.schemas.BaseSchema, method: str, path: str, mode: GenerationMode
) -> None:
    operation = document[path][method]
    # A question may be refused for what it says (a zone that there is none of), a link for its signature.
    excluded = [positive_data_acceptance] if path in ("/api/ai/query", "/api/ai/unsubscribe") else []
    if path.startswith(("/api/ai/report/", "/api/ai/runs/")):
        excluded.append(not_a_server_error)  # no Prefect server stands behind: 503, as documented

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=8, suppress_health_check=list(HealthCheck))
    def check(case: Case) -> None:
        case.call_and_validate(headers=HEADER, excluded_checks=excluded)

    try:
        check()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE  # nothing about it can be wrong: it takes nothing
