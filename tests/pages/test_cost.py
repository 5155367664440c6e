"""Every amount tells how it was made: in the chat under an answer, and in the log's opened turn."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from streamlit.testing.v1 import AppTest

from core.pricing import cost, not_billed
from core.types import Attempt, CostSource, Price, Tier, Usage
from core.workbench import Workbench
from pages.ui.cost import amount
from tests.core.test_log import asked
from tests.core.test_usage import make_attempt
from tests.pages.conftest import OpenPage

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
PRICE = Price(Decimal(1), Decimal(2), source="a [list](http://x)", tiers=(Tier(1000, Decimal(3), Decimal(4)),))


def attempt(usage: Usage, price: Price = PRICE) -> Attempt:
    priced = cost(usage, price, AT)
    return make_attempt(
        AT, usage=usage, price=priced.price, price_rule=priced.rule, cost_usd=priced.total, cost_source=priced.source
    )


def test_the_amount_under_an_answer_opens_how_it_was_made(
    open_page: OpenPage, workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = asked(workbench, "openai", "Why?")
    row = replace(attempt(Usage(2000, 500, is_estimated=True)), id=stored.id, reply_id=stored.reply_id)
    monkeypatch.setattr(workbench.store.attempts, "of_replies", lambda _: {"r": [row]})
    app = AppTest.from_function(_transcript, default_timeout=20).run()
    assert not app.exception
    [popover] = app.get("popover")
    assert popover.proto.popover.label.replace("\\", "") == ":small[~$0.008000]"
    [table] = [text.value.replace("\\", "").replace("\u00a0", " ") for text in popover.markdown]
    assert table.splitlines()[2:] == [
        "| Input :gray[~2,000 × 3] | $0.006 |",
        "| Output :gray[~500 × 4] | $0.002 |",
        "| **Sum** | **$0.008** |",
    ]
    [caption] = [text.value for text in popover.caption]
    assert "Over 1,000 tokens" in caption and "estimates of ours" in caption
    assert "[list](http" not in caption  # what a user typed is no link


def _transcript() -> None:
    from core.tree import Tree
    from core.types import AUTOMATIC
    from pages.ui.enter import enter
    from pages.ui.transcript import Transcript

    workbench = enter(is_main=True)
    nodes = workbench.store.messages.nodes("c")
    Transcript(workbench, Tree(nodes), AUTOMATIC).draw(workbench.store.messages.get(["q", "r"]))


@pytest.mark.parametrize(
    ("attempts", "words"),
    [
        ([attempt(Usage(1000, 500))], "$0.002000"),
        ([attempt(Usage(1000, 500, is_estimated=True))], "~$0.002000"),
        ([attempt(Usage(1000, 500), Price())], "no price known"),
        ([attempt(Usage(1000, 500), Price(Decimal(0), Decimal(0)))], "free"),
        ([attempt(Usage(1000, 500)), attempt(Usage(2000, 500))], "$0.0100"),
        ([attempt(Usage(1000, 500), Price()), attempt(Usage(2000, 500))], "≥ $0.008000"),
        ([attempt(Usage(), Price()), attempt(Usage(5, 5), Price())], "no price known"),
    ],
)
def test_an_answer_costs_what_its_attempts_cost_together(attempts: list[Attempt], words: str) -> None:
    assert amount(attempts) == words


def test_what_was_refused_is_not_billed() -> None:
    refused = not_billed(cost(Usage(), PRICE, AT))
    row = make_attempt(AT, usage=Usage(), cost_usd=refused.total, cost_source=refused.source)
    assert (row.cost_source, amount([row])) == (CostSource.NOT_BILLED, "not billed")
    assert amount([row, attempt(Usage(2000, 500))]) == "$0.008000"
