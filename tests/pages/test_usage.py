"""The usage page over logs of every kind: what stands there is what core/usage counted."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from streamlit.dataframe_util import convert_arrow_bytes_to_pandas_df
from streamlit.testing.v1 import AppTest

from core.periods import Period
from core.types import CostSource, Status, Usage
from core.usage import Dimension, Filter, Span, totals
from core.workbench import Workbench
from pages.ui.chart_time import TimeAxis, time_axis
from pages.ui.figures import UNKNOWN
from pages.ui.usage_figures import spend_words
from tests.core.test_usage import make_attempt, odd_log, write
from tests.pages.conftest import OpenPage

DAY = timedelta(days=1)


def ago(days: float) -> datetime:
    return datetime.now(UTC) - days * DAY


def visit(open_page: OpenPage, **query: str) -> AppTest:
    """Open the page, for the first time in its session, under a URL with these parameters."""
    if not query:
        return open_page("usage")
    app = open_page("chat").switch_page("../usage.py")
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def figures(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value.replace("\\", "") for metric in app.metric}


def captions(app: AppTest) -> list[str]:
    return [caption.value.replace("\\", "") for caption in app.caption]


def test_an_empty_log_says_what_will_be_here_and_leads_to_the_chat(open_page: OpenPage) -> None:
    app = visit(open_page)
    assert app.title[0].value == "Usage"
    assert app.subheader[0].value == "Nothing to count yet"
    assert [link.proto.label for link in app.get("page_link")] == ["Send the first message", "Look at sample data"]
    assert not app.metric
    assert not app.dataframe


def test_the_figures_are_the_totals_of_the_period(open_page: OpenPage, workbench: Workbench) -> None:
    write(workbench.store, [make_attempt(ago(day), latency_ms=1500, ttft_ms=250) for day in range(20)])
    write(workbench.store, [make_attempt(ago(0), status=Status.FAILED, ttft_ms=None, usage=Usage())])
    write(workbench.store, [make_attempt(ago(400), cost_usd=Decimal(5))])
    assert figures(visit(open_page)) == {
        "Spend": "$0.0210",
        "Messages": "21",
        "Success": "95.2%",
        "Cache hits": UNKNOWN,
        "Tokens": "3,000",
        "First token": "250 ms",
        "Latency": "1.5 s",
        "Tokens/s": "33.3",
    }


def test_what_is_unpriced_makes_the_spend_a_lower_bound(open_page: OpenPage, workbench: Workbench) -> None:
    unpriced: dict[str, Any] = {"cost_usd": None, "cost_source": CostSource.UNPRICED}
    write(workbench.store, [make_attempt(ago(0), **unpriced) for _ in range(3)])
    app = visit(open_page)
    assert figures(app)["Spend"] == UNKNOWN
    assert "3 unpriced" in captions(app)
    write(workbench.store, [make_attempt(ago(0), cost_usd=Decimal("12.4"))])
    app = visit(open_page)
    assert figures(app)["Spend"] == "≥ $12.40"
    assert "3 unpriced" in captions(app)


def test_the_period_comes_from_the_url_or_a_click(open_page: OpenPage, workbench: Workbench) -> None:
    write(workbench.store, [make_attempt(ago(days)) for days in (0, 5, 20, 60, 300)])
    expected = {"Today": "1", "7d": "2", "30d": "3", "90d": "4", "All": "5"}
    for period, messages in expected.items():
        app = visit(open_page, period=period)
        assert figures(app)["Messages"] == messages, period
    app.segmented_control[0].set_value(app.segmented_control[0].options[1]).run()
    assert figures(app)["Messages"] == "2"


def test_a_period_that_does_not_exist_is_the_usual_one(open_page: OpenPage, workbench: Workbench) -> None:
    write(workbench.store, [make_attempt(ago(days)) for days in (0, 20, 60)])
    assert figures(visit(open_page, period="for ever"))["Messages"] == "2"


def test_changes_are_against_the_period_before(open_page: OpenPage, workbench: Workbench) -> None:
    write(workbench.store, [make_attempt(ago(0)), make_attempt(ago(0)), make_attempt(ago(8), latency_ms=4000)])
    app = visit(open_page, period="7d")
    changes = {metric.label: metric.delta for metric in app.metric}
    assert changes["Messages"] == "+100%"
    assert changes["Latency"] == "-75%"
    assert changes["Success"] == "0"
    assert any("Changes are against the 7 days before" in caption for caption in captions(app))


def test_nothing_is_compared_where_nothing_was_before(open_page: OpenPage, workbench: Workbench) -> None:
    write(workbench.store, [make_attempt(ago(0))])
    app = visit(open_page)
    assert {metric.delta for metric in app.metric} == {""}
    assert not any("Changes" in caption for caption in captions(app))


def test_the_demo_counts_only_alone_or_when_wanted(open_page: OpenPage, workbench: Workbench) -> None:
    write(workbench.store, [make_attempt(ago(0), protocol="demo", provider_id="demo", provider_name="Demo")])
    app = visit(open_page)
    assert figures(app)["Messages"] == "1"
    assert not app.toggle
    assert any("Only the built-in demo has answered so far" in caption for caption in captions(app))
    write(workbench.store, [make_attempt(ago(0)), make_attempt(ago(0))])
    app = visit(open_page)
    assert figures(app)["Messages"] == "2"
    app.toggle[0].set_value(True).run()
    assert figures(app)["Messages"] == "3"
    assert any("Demo answers are included" in caption for caption in captions(app))


def test_a_period_without_messages_says_when_the_last_one_was(open_page: OpenPage, workbench: Workbench) -> None:
    write(workbench.store, [make_attempt(datetime(2025, 3, 4, 12, tzinfo=UTC))])
    app = visit(open_page)
    assert "04 March 2025" in app.info[0].value
    assert not app.metric


def test_the_tables_show_each_model_and_each_message(open_page: OpenPage, workbench: Workbench) -> None:
    write(
        workbench.store,
        [
            make_attempt(ago(0.002), provider_name="Mine $x_y$", model_name="**M**", ttft_ms=120, latency_ms=2500),
            make_attempt(ago(0.001), status=Status.FAILED, error_kind="rate_limit", ttft_ms=None, latency_ms=0),
        ],
    )
    models, messages = (table.value for table in visit(open_page, period="7d").dataframe)
    assert models[["messages", "success_rate"]].values.tolist() == [[2, 0.5]]
    assert messages["status"].tolist() == ["Failed: rate limit", "Done"]
    assert messages["provider"].tolist() == ["OpenAI", "Mine $x_y$"]
    assert messages["latency_ms"].tolist() == [0, 2.5]
    assert messages["ttft_ms"].isna().tolist() == [True, False]


@pytest.mark.parametrize("period", ["Today", "30d", "All"])
@pytest.mark.parametrize("seed", range(2))
def test_an_odd_log_is_drawn_with_a_name_for_every_chart(
    open_page: OpenPage, workbench: Workbench, seed: int, period: str
) -> None:
    shift = datetime.now(UTC) - datetime(2026, 11, 3, tzinfo=UTC)
    log = odd_log(seed, count=60)
    moved = [make_attempt(a.started_at + shift, **{name: getattr(a, name) for name in _KEPT}) for a in log]
    write(workbench.store, [*moved, make_attempt(ago(0))])
    app = visit(open_page, period=period, demo="true")
    drawn = [*app.get("vega_lite_chart"), *app.dataframe]
    assert len(drawn) == 6
    assert all(element.proto.alt for element in drawn)
    if period == "All":
        found = totals(workbench.store.log, Filter())
        assert figures(app)["Spend"] == spend_words(found)
        assert figures(app)["Messages"] == f"{found.messages:,}"


def test_days_reach_the_charts_as_utc_so_that_no_browser_moves_them(open_page: OpenPage, workbench: Workbench) -> None:
    write(workbench.store, [make_attempt(ago(0))])
    app = visit(open_page)
    drawn = [convert_arrow_bytes_to_pandas_df(chart.proto.data.data) for chart in app.get("vega_lite_chart")]
    times = [frame["time"] for frame in drawn if "time" in frame]
    assert len(times) == 1
    assert {str(time.dt.tz) for time in times} == {"UTC"}


@pytest.mark.parametrize(
    ("days", "step", "start"),
    [(1, Dimension.HOUR, (2026, 11, 2)), (300, Dimension.DAY, (2026, 1, 7)), (500, Dimension.MONTH, (2025, 6, 1))],
)
def test_the_steps_grow_with_the_log(days: int, step: Dimension, start: tuple[int, int, int]) -> None:
    last = datetime(2026, 11, 2, 23, 30, tzinfo=UTC)  # already the 3rd in Berlin
    span = Span(attempts=2, demo_attempts=0, first=last - days * DAY, last=last)
    axis = time_axis(Period(), span, zone=ZoneInfo("Europe/Berlin"))
    assert axis == TimeAxis(step, datetime(*start), datetime(2026, 11, 4))


_KEPT = [
    "turn_id",
    "attempt_number",
    "provider_id",
    "provider_name",
    "protocol",
    "model_requested",
    "model_name",
    "status",
    "latency_ms",
    "ttft_ms",
    "usage",
    "cost_usd",
    "cost_source",
]
