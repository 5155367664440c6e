"""The log page: rows are found by filters of the URL, and one that is chosen tells all that is known of it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from streamlit.testing.v1 import AppTest

from core.raw import RawBodies
from core.recording import Recording
from core.types import CostSource, Status
from core.workbench import Workbench
from tests.core.test_log import asked
from tests.core.test_usage import make_attempt, write
from tests.pages.conftest import OpenPage
from tests.pages.test_usage import ago


def test_an_empty_log_leads_to_the_chat(open_page: OpenPage) -> None:
    app = open_page("log")
    assert app.subheader[0].value == "Nothing logged yet"


def visit(open_page: OpenPage, **query: str) -> AppTest:
    app = open_page("chat").switch_page("../log.py")
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def test_rows_come_newest_first_and_are_filtered_by_the_url(open_page: OpenPage, workbench: Workbench) -> None:
    write(
        workbench.store,
        [
            make_attempt(ago(0.1), latency_ms=9000),
            make_attempt(ago(0.2), status=Status.FAILED, error_kind="rate_limit", error_message="Too fast for GLM."),
            make_attempt(ago(0.3), model_name="Other"),
            make_attempt(ago(200)),
        ],
    )
    app = visit(open_page)
    assert app.dataframe[0].value["model"].tolist() == ["GPT 1", "GPT 1", "Other"]
    assert app.dataframe[0].value["status"].tolist() == ["Done", "Failed: rate limit", "Done"]
    for query, rows in (
        ({"log_period": "All"}, 4),
        ({"log_model": "Other"}, 1),
        ({"log_words": "too FAST"}, 1),
        ({"log_latency": "5.0"}, 1),
        ({"log_status": "failed"}, 1),
        ({"log_status": "no such status"}, 3),
    ):
        assert len(visit(open_page, **query).dataframe[0].value) == rows, query
    assert "No request fits" in visit(open_page, log_words="nowhere").info[0].value


def test_a_chosen_row_opens_its_turn(
    open_page: OpenPage, workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = asked(workbench, "openai", "Why *so*?")
    again = replace(
        attempt, id="second", attempt_number=2, started_at=attempt.started_at + timedelta(seconds=2),
        cost_source=CostSource.UNPRICED, cost_usd=None,
    )  # fmt: skip
    write(workbench.store, [again])
    monkeypatch.setattr("pages.ui.log_table.draw_attempts", lambda *_, **__: "second")
    app = visit(open_page)
    assert app.subheader[0].value == "GPT 1 · OpenAI"
    assert [text.value for text in app.text] == ["Why *so*?", "So."]
    assert [chart.proto.alt for chart in app.get("vega_lite_chart")] == ["When each attempt waited and when it wrote"]
    assert any(value.startswith("Unknown: a price") for value in (caption.value for caption in app.caption))
    assert "$API_KEY" in app.code[0].value


def test_what_was_kept_of_the_wire_is_shown(
    open_page: OpenPage, workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = asked(workbench, "openai", "Why?")
    noted = Recording("POST", "http://127.0.0.1/v1/chat/completions", b'{"model": "m"}', 200, bytearray(b"data: {}"))
    RawBodies(workbench.config.data_dir, keep_days=1).keep(attempt, noted, secrets=[])
    monkeypatch.setattr("pages.ui.log_table.draw_attempts", lambda *_, **__: attempt.id)
    app = open_page("log")
    labels = [expander.label for expander in app.expander]
    assert {"As it was sent", "As it was received"} <= set(labels)
    assert {'{\n  "model": "m"\n}', "data: {}"} <= {code.value for code in app.code}
