"""When a failed request is tried again, and which providers rest."""

import pytest

from core.errors import ErrorKind
from core.retries import COOL_AFTER, CoolDown, may_try_again, may_try_elsewhere, pause_s

PASSING = {"rate_limit", "overloaded", "server_error", "timeout", "network"}


@pytest.mark.parametrize("kind", ErrorKind)
def test_only_what_may_pass_is_tried_again(kind: ErrorKind) -> None:
    assert may_try_again(kind) is (kind.value in PASSING)
    assert may_try_elsewhere(kind) is (kind.value in PASSING | {"quota"})


@pytest.mark.parametrize(
    ("tried", "retry_after_s", "dice", "waited_s"),
    [
        (1, None, 1.0, 0.5),
        (2, None, 1.0, 1.0),
        (2, None, 0.5, 0.5),
        (9, None, 1.0, 8.0),
        (1, None, 0.0, 0.0),
        (1, 0.0, 1.0, 0.0),
        (1, 7.5, 0.0, 7.5),
        (1, 60.0, 0.0, 60.0),
        (1, 61.0, 0.0, None),
        (1, -1.0, 0.0, None),
    ],
)
def test_the_pause_is_what_the_provider_asks_or_grows_with_jitter(
    tried: int, retry_after_s: float | None, dice: float, waited_s: float | None
) -> None:
    assert pause_s(tried, retry_after_s=retry_after_s, dice=dice) == waited_s


def test_a_provider_rests_after_failures_in_a_row_and_longer_each_time() -> None:
    cool_down = CoolDown()
    rests = []
    for _ in range(COOL_AFTER + 5):
        cool_down.failed("a", ErrorKind.OVERLOADED, now_s=100.0)
        rests.append(cool_down.rests_s("a", now_s=100.0))
    assert rests == [0, 0, 30, 60, 120, 240, 300, 300]
    assert cool_down.rests_s("a", now_s=401.0) == 0
    assert cool_down.rests_s("b", now_s=100.0) == 0


def test_a_success_ends_the_rest_and_a_bad_request_begins_none() -> None:
    cool_down = CoolDown()
    for _ in range(COOL_AFTER):
        cool_down.failed("a", ErrorKind.NETWORK, now_s=0.0)
        cool_down.failed("b", ErrorKind.AUTH, now_s=0.0)
    cool_down.succeeded("a")
    assert cool_down.rests_s("a", now_s=0.0) == cool_down.rests_s("b", now_s=0.0) == 0
