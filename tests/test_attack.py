"""Requests made up from the OpenAPI document, good ones and bad ones: no fault of ours, and every answer as published.

Bounded, for every run; `make attack` tries many more.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from web_memory import TestMemory, make_memory

from ingest.scribe import Scribe
from retriever.config import Settings
from retriever.web import create_app
from retriever.web.operations import API_PREFIX, operations
from retriever.web.writing_operations import WRITING

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")

# As many made-up requests for each operation, good and bad.
EXAMPLES = int(os.environ.get("ATTACK_EXAMPLES", "10"))
TABLE = (*operations(Settings(home=Path(), models=Path())), *WRITING)
ALL = [(API_PREFIX + operation.path, operation.method) for operation in TABLE]
GOOD, BAD = schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE
MADE_UP = [(path, method, GOOD) for path, method in ALL] + [
    # Where only an id can be given, every text is one.
    (API_PREFIX + operation.path, operation.method, BAD)
    for operation in TABLE
    if operation.parameters or operation.method != "GET"
]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[TestMemory]:
    with make_memory(tmp_path_factory.mktemp("web"), models, max_file_mb=0.1) as memory:
        yield memory


@pytest.fixture(scope="module")
def schema(small: TestMemory) -> Any:
    app = create_app(small, small.settings, scribe=Scribe())
    app.config["PROPAGATE_EXCEPTIONS"] = False
    return schemathesis.openapi.from_wsgi("/openapi.json", app)


@pytest.fixture(scope="module")
def checks() -> list[Any]:
    from schemathesis.specs.openapi import checks as known

    return [
        schemathesis.checks.not_a_server_error,
        known.status_code_conformance,
        known.content_type_conformance,
        known.response_headers_conformance,
        known.response_schema_conformance,
    ]


@pytest.fixture(scope="module")
def token(small: TestMemory) -> str:
    return small.record.tokens.add("attacker", "admin")


@pytest.mark.parametrize(
    ("path", "method", "mode"), MADE_UP, ids=[f"{mode.value} {method} {path}" for path, method, mode in MADE_UP]
)
def test_made_up_requests_are_answered_as_published(
    schema: Any, checks: list[Any], token: str, path: str, method: str, mode: Any
) -> None:
    operation = schema[path][method]

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def attack(case: Any) -> None:
        response = case.call(headers={"Authorization": f"Bearer {token}"})
        case.validate_response(response, checks=checks)

    attack()


@pytest.mark.parametrize(("path", "method"), ALL, ids=[f"{method} {path}" for path, method in ALL])
def test_no_operation_forgets_to_look_at_the_token(schema: Any, path: str, method: str) -> None:
    for header in ("Bearer wrong", "Bearer"):
        case = schema[path][method].Case(method=method, path_parameters={"id": "0"} if "{id}" in path else {})
        response = case.call(headers={"Authorization": header})
        is_open = header == "Bearer" and not schema[path][method].definition.raw.get("security")
        assert (response.status_code == 401) is not is_open, f"{header!r}: {response.status_code}"
