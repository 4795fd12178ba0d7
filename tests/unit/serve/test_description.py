"""The service does what its OpenAPI description says, whatever is sent to it."""

from __future__ import annotations

from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import negative_data_rejection

from tests.unit.serve.test_serve import bundle
from tl_core.export.load import Bundle
from tl_core.serve.app import create
from tl_core.serve.limits import Limits

__all__ = ["bundle"]


@pytest.mark.timeout(120)
def test_it_answers_as_its_description_says(bundle: Path) -> None:
    limits = Limits(megabytes=0.2, pictures=3, per_minute=10**6)
    app = create(Bundle.open(bundle), "Insects", limits, hosts=("*",))
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    asked = set()
    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=20,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case: schemathesis.Case) -> None:
            # a number sent as a file is a file: there is nothing to refuse
            case.call_and_validate(excluded_checks=[negative_data_rejection])

        ask()
        asked.add(operation.path)
    assert asked == {"/health", "/about", "/predict"}
