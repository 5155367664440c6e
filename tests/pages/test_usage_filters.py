"""The filters of the usage page: in its URL, as chips, and what becomes of values that make no sense."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from streamlit.testing.v1 import AppTest

from core.periods import Period, days, step
from core.projects import ProjectForm
from core.types import Status
from core.usage import Dimension, Filter, Names, size
from core.workbench import Workbench
from pages.ui.chart_time import TimeAxis, time_axis
from pages.ui.usage_url import check, narrowed
from pages.ui.usage_views import GROUPS, LABELS, Shown
from tests.core.test_usage import BERLIN, NOW, make_attempt, odd_log, write
from tests.pages.conftest import OpenPage
from tests.pages.test_usage import _KEPT, ago, captions, figures, visit

NAMES = Names({"glm": "GLM"}, {"m/1": "M 1"}, ["default"], ["rate_limit"])
GOOD = {
    "at": "2026-11-03T14",
    "provider": "glm",
    "model": "m/1",
    "project": "default",
    "conversation": "c1",
    "status": "failed",
    "error": "rate_limit",
    "hour": "Mon-09",
    "latency": "1000-2000",
}


def chips(app: AppTest) -> dict[str, str]:
    return {
        str(button.key).removeprefix("chip_"): button.label.replace("\\", "")
        for button in app.button
        if button.key and button.key.startswith("chip_")
    }


def press(app: AppTest, key: str) -> AppTest:
    next(button for button in app.button if button.key == key).click()
    app.run()
    assert not app.exception
    return app


def checked(values: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    return check(values, NAMES, has_conversation=lambda one: one == "c1", zone=BERLIN)


def test_every_good_value_is_kept_and_narrows_the_selection() -> None:
    assert checked(GOOD) == (GOOD, [])
    assert narrowed(Filter(), GOOD) == Filter(
        provider_id="glm",
        model_id="m/1",
        project_id="default",
        conversation_id="c1",
        status="failed",
        error_kind="rate_limit",
        weekday=1,
        hour=9,
        latency_from_ms=1000,
        latency_below_ms=2000,
    )
    assert narrowed(Filter(), {"latency": "128000-"}).latency_below_ms is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("provider", "' OR 1=1 --"),
        ("provider", "glm" * 100),
        ("model", "m"),
        ("project", "none"),
        ("conversation", "c2"),
        ("status", "streaming"),
        ("error", "auth"),
        ("hour", "Mon-24"),
        ("hour", "Mon-9"),
        ("hour", "Monday-09"),
        ("latency", "1000-4000"),
        ("latency", "-"),
        ("at", "2026-13"),
        ("at", "2026-02-30"),
        ("at", "0000-01"),
        ("at", "2026-W54"),
        ("at", "yesterday"),
    ],
)
def test_a_bad_value_is_told_and_left_out(name: str, value: str) -> None:
    kept, complaints = checked(GOOD | {name: value})
    assert kept == {other: text for other, text in GOOD.items() if other != name}
    assert len(complaints) == 1 and len(complaints[0]) < 120


@pytest.mark.parametrize(
    ("text", "since", "until", "before"),
    [
        # 02:00 comes twice that night: the hour has 120 minutes.
        ("2026-10-25T02", (2026, 10, 25, 0), (2026, 10, 25, 2), (2026, 10, 24, 23)),
        ("2026-10-25", (2026, 10, 24, 22), (2026, 10, 25, 23), (2026, 10, 23, 22)),
        ("2026-03-29", (2026, 3, 28, 23), (2026, 3, 29, 22), (2026, 3, 27, 23)),
        ("2026-W44", (2026, 10, 25, 23), (2026, 11, 1, 23), (2026, 10, 18, 22)),
        ("2026-03", (2026, 2, 28, 23), (2026, 3, 31, 22), (2026, 1, 31, 23)),
        ("2026-01", (2025, 12, 31, 23), (2026, 1, 31, 23), (2025, 11, 30, 23)),
    ],
)
def test_a_step_has_the_borders_of_the_local_clock(text: str, since: Any, until: Any, before: Any) -> None:
    moments = [datetime(*parts).replace(tzinfo=UTC) for parts in (since, until, before)]
    assert step(text, zone=BERLIN) == Period(moments[0], moments[1], moments[2], moments[0])


def test_a_custom_range_is_compared_with_as_many_days_before() -> None:
    first, last = datetime(2026, 10, 20).date(), datetime(2026, 10, 25).date()
    found = days(first, last, NOW, zone=BERLIN)
    assert (found.since, found.until) == (
        datetime(2026, 10, 19, 22, tzinfo=UTC),
        datetime(2026, 10, 25, 23, tzinfo=UTC),
    )
    assert (found.previous_since, found.previous_until) == (datetime(2026, 10, 13, 22, tzinfo=UTC), found.since)


def test_the_url_restores_all_filters(open_page: OpenPage, workbench: Workbench) -> None:
    made = {"provider_id": "glm", "provider_name": "GLM"}
    write(
        workbench.store,
        [
            make_attempt(ago(0), **made, status=Status.FAILED, error_kind="rate_limit", latency_ms=1500),
            make_attempt(ago(0), **made, status=Status.FAILED, error_kind="auth", latency_ms=1500),
            make_attempt(ago(0), **made, latency_ms=1500),
            make_attempt(ago(0), status=Status.FAILED, error_kind="rate_limit", latency_ms=1500),
            make_attempt(ago(0), **made, status=Status.FAILED, error_kind="rate_limit", latency_ms=3000),
        ],
    )
    query = {"provider": "glm", "status": "failed", "error": "rate_limit", "latency": "1000-2000"}
    app = visit(open_page, period="7d", **query)
    assert figures(app)["Messages"] == "1"
    assert chips(app) == {
        "provider": "Provider: GLM",
        "status": "Status: Failed",
        "error": "Error: rate limit",
        "latency": "Latency: 1–2 s",
    }
    press(app, "chip_latency")
    assert figures(app)["Messages"] == "2"
    assert "latency" not in app.query_params
    press(app, "reset")
    assert figures(app)["Messages"] == "5"
    assert not chips(app)
    assert not set(query) & set(app.query_params)


def test_what_is_wrong_with_a_link_is_told(open_page: OpenPage, workbench: Workbench) -> None:
    write(workbench.store, [make_attempt(ago(0)), make_attempt(ago(20))])
    app = visit(open_page, provider="nobody", period="for ever", show="everything", at="soon")
    (warning,) = (warning.value.replace("\\", "") for warning in app.warning)
    assert warning == (
        "Left out of this link: “for ever” is no period; “everything” is no show; Time “soon” is not in the log; "
        "Provider “nobody” is not in the log."
    )
    assert figures(app)["Messages"] == "2"


def test_a_filter_from_the_list_becomes_a_chip(open_page: OpenPage, workbench: Workbench) -> None:
    write(workbench.store, [make_attempt(ago(0)), make_attempt(ago(0), provider_id="glm", provider_name="G*L*M")])
    app = visit(open_page)
    next(box for box in app.selectbox if box.label == "Provider").select("glm").run()
    assert figures(app)["Messages"] == "1"
    assert chips(app) == {"provider": "Provider: G*L*M"}
    press(app, "chip_provider")
    assert figures(app)["Messages"] == "2"


def test_a_custom_range_comes_from_the_calendar(open_page: OpenPage, workbench: Workbench) -> None:
    write(workbench.store, [make_attempt(ago(day)) for day in (0, 3, 40, 41, 80)])
    app = visit(open_page, period="Custom")
    assert figures(app)["Messages"] == "2"
    app.date_input[0].set_value((ago(42).date(), ago(39).date())).run()
    assert figures(app)["Messages"] == "2"
    assert any("Changes are" not in caption for caption in captions(app))


def test_a_day_of_the_chart_is_compared_with_the_day_before(open_page: OpenPage, workbench: Workbench) -> None:
    noon = datetime.now(UTC).replace(hour=12) - timedelta(days=5)
    write(workbench.store, [make_attempt(noon), make_attempt(noon), make_attempt(noon - timedelta(days=1))])
    app = visit(open_page, at=f"{noon:%Y-%m-%d}")
    assert figures(app)["Messages"] == "2"
    assert {metric.label: metric.delta for metric in app.metric}["Messages"] == "+100%"


@pytest.mark.parametrize("shown", Shown)
def test_every_view_is_drawn_by_every_group(open_page: OpenPage, workbench: Workbench, shown: Shown) -> None:
    shift = datetime.now(UTC) - datetime(2026, 11, 3, tzinfo=UTC)
    log = odd_log(6, count=40)
    write(
        workbench.store,
        [make_attempt(a.started_at + shift, **{name: getattr(a, name) for name in _KEPT}) for a in log],
    )
    app = visit(open_page, show=LABELS[shown], demo="true")
    for group in GROUPS:
        next(control for control in app.segmented_control if control.key == "by").set_value(group.value).run()
        assert not app.exception
        assert len(app.dataframe) == 2
        assert all(chart.proto.alt for chart in app.get("vega_lite_chart"))


def test_a_figure_hands_its_sql_over(open_page: OpenPage, workbench: Workbench) -> None:
    write(workbench.store, [make_attempt(ago(0), cost_usd=Decimal("0.25"))])
    app = visit(open_page, provider="openai")
    press(app, "sql_of_time")
    assert app.title[0].value == "SQL"
    assert "provider_id = 'openai'" in str(app.text_area[0].value)
    assert "TIMESTAMP '" in str(app.text_area[0].value)
    assert "?" not in str(app.text_area[0].value)


def test_sample_data_is_marked_and_stays_out_of_the_log(open_page: OpenPage, workbench: Workbench) -> None:
    app = visit(open_page, sample="true")
    assert any("Sample data" in warning.value for warning in app.warning)
    assert len(app.metric) == 8
    assert not [button.key for button in app.button if button.key and button.key.startswith("sql_of")]
    app = visit(open_page, sample="true", period="All", by="Conversation", provider="sample-east")
    assert chips(app) == {"provider": "Provider: Sample East"}
    assert any("Sample data" in warning.value for warning in app.warning)
    assert size(workbench.store.log) == 0
    assert not figures(visit(open_page))


@pytest.mark.parametrize(
    ("length", "wanted", "step_drawn"),
    [
        (2, None, Dimension.HOUR),
        (30, None, Dimension.DAY),
        (30, Dimension.HOUR, Dimension.HOUR),
        (90, Dimension.HOUR, Dimension.DAY),
        (90, Dimension.WEEK, Dimension.WEEK),
        (900, Dimension.DAY, Dimension.WEEK),
        (900, None, Dimension.MONTH),
    ],
)
def test_a_step_that_is_too_fine_gives_way(length: int, wanted: Dimension | None, step_drawn: Dimension) -> None:
    first = datetime(2026, 1, 1).date()
    span = Period(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=length))
    axis = time_axis(span, None, zone=ZoneInfo("UTC"), step=wanted)  # type: ignore[arg-type]
    assert axis.step is step_drawn
    assert axis.start.date() <= first
    if step_drawn is Dimension.WEEK:
        assert axis.start.weekday() == 0


def test_one_hour_is_drawn_as_one_hour() -> None:
    hour = step("2026-11-03T14", zone=BERLIN)
    start = datetime(2026, 11, 3, 14)
    axis = time_axis(hour, None, zone=BERLIN)  # type: ignore[arg-type]
    assert axis == TimeAxis(Dimension.HOUR, start, start + timedelta(hours=1))


def test_names_stand_on_chips_as_they_are_also_of_a_project_put_away(open_page: OpenPage, workbench: Workbench) -> None:
    project = workbench.projects.save(ProjectForm("My_Thesis"))
    write(workbench.store, [make_attempt(ago(0), project_id=project.id, provider_name="a_b")])
    workbench.store.settings.write(lambda cursor: workbench.store.projects.delete(cursor, project.id))
    app = visit(open_page, provider="openai", project=project.id, by="Project")
    assert chips(app) == {"provider": "Provider: a_b", "project": "Project: My_Thesis"}
    assert app.dataframe[0].value["label"].tolist() == ["My_Thesis"]
