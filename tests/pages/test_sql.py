"""The SQL page: what is typed is run beside the page, what came by a link waits, what failed is said in words."""

import pytest
from streamlit.testing.v1 import AppTest

from core.store.presets import PRESETS
from core.store.queries import QueryTable
from core.workbench import Workbench
from pages.ui.session import Session
from pages.ui.sql_run import console_of
from tests.conftest import wait_until
from tests.core.test_usage import make_attempt, write
from tests.pages.conftest import OpenPage
from tests.pages.test_usage import ago


def visit(open_page: OpenPage, q: str) -> AppTest:
    app = open_page("chat").switch_page("../sql.py")
    app.query_params["q"] = q
    app.run()
    assert not app.exception
    return app


def settle(app: AppTest) -> AppTest:
    """Wait for the query of this tab, and draw what it gave."""
    job = tab(app).sql.job
    if job:
        wait_until(lambda: job.is_done, deadline_s=30)
    app.run()
    assert not app.exception
    return app


def tab(app: AppTest) -> Session:
    found = app.session_state["switchboard"]
    assert isinstance(found, Session)
    return found


def button(app: AppTest, label: str) -> None:
    next(one for one in app.button if one.label == label).click().run()
    assert not app.exception


def test_a_typed_query_is_run_and_its_rows_are_shown(open_page: OpenPage, workbench: Workbench) -> None:
    write(workbench.store, [make_attempt(ago(0)) for _ in range(3)])
    app = open_page("sql")
    app.text_area[0].set_value("SELECT model_name, count(*) AS times FROM attempts GROUP BY ALL")
    button(app, "Run")
    settle(app)
    assert app.main.dataframe[-1].value.values.tolist() == [["GPT 1", 3]]
    assert any("1 row · " in caption.value for caption in app.caption)
    assert [element.proto.label for element in app.get("download_button")] == ["CSV", "Parquet"]
    app.segmented_control[0].set_value("Chart").run()
    assert not app.exception
    assert [chart.proto.alt for chart in app.get("vega_lite_chart")] == ["times by model_name"]


def test_a_mistake_is_shown_with_its_place(open_page: OpenPage) -> None:
    app = open_page("sql")
    app.text_area[0].set_value("SELECT nope(1)")
    button(app, "Run")
    settle(app)
    assert "does not exist" in app.error[0].value
    assert app.code[0].value == "SELECT nope(1)\n       ^^^^^^^"
    assert not app.get("download_button")


def test_a_built_in_query_in_the_url_is_run(open_page: OpenPage, workbench: Workbench) -> None:
    write(workbench.store, [make_attempt(ago(0))])
    app = settle(visit(open_page, "spend"))
    assert app.text_area[0].value == next(query.sql for query in PRESETS if query.name == "spend")
    assert app.main.dataframe[-1].value["attempts"].tolist() == [1]


def test_a_text_in_the_url_waits_for_its_reader(open_page: OpenPage) -> None:
    app = visit(open_page, "SELECT 42")
    assert app.text_area[0].value == "SELECT 42"
    assert tab(app).sql.job is None
    assert "came by a link" in app.info[0].value
    button(app, "Run")
    settle(app)
    assert not app.info
    assert app.main.dataframe[-1].value.values.tolist() == [[42]]


@pytest.mark.parametrize("q", ["x" * 2001, "DROP TABLE attempts"])
def test_a_hostile_link_runs_nothing(open_page: OpenPage, q: str) -> None:
    app = visit(open_page, q)
    assert (tab(app).sql.job, tab(app).sql.answer) == (None, None)
    assert app.text_area[0].value == ("" if len(q) > 2000 else q)


def test_a_query_is_chosen_kept_and_deleted(open_page: OpenPage, workbench: Workbench) -> None:
    app = open_page("sql")
    app.selectbox(key="sql_choice").set_value("errors-by-kind").run()
    assert (app.text_area[0].value or "").startswith("SELECT error_kind")
    app.text_area[0].set_value("SELECT 7")
    app.text_input[0].set_value("Seven")
    button(app, "Keep")
    kept = QueryTable(workbench.store.settings).all()
    assert [(query.name, query.sql) for query in kept] == [("Seven", "SELECT 7")]
    app.selectbox(key="sql_choice").set_value(f"own:{kept[0].id}").run()
    assert app.text_area[0].value == "SELECT 7"
    button(app, "Delete")
    assert QueryTable(workbench.store.settings).all() == []


def test_a_running_query_can_be_cancelled(open_page: OpenPage, workbench: Workbench) -> None:
    app = open_page("sql")
    job = tab(app).sql.job = console_of(workbench.store.log).start("SELECT sleep_ms(10000)")
    app.run()
    button(app, "Cancel")
    wait_until(lambda: job.is_done)
    app.run()
    assert app.error[0].value.startswith("You cancelled")


def test_the_copy_is_taken_anew_on_demand(open_page: OpenPage, workbench: Workbench) -> None:
    app = open_page("sql")
    console = console_of(workbench.store.log)
    before = console.as_of
    assert before is not None
    button(app, "Refresh")
    assert console.as_of is not None
    assert console.as_of > before
