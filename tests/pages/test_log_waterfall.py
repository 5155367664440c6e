"""The waterfall of a turn: what is known of its attempts, and nothing that is not."""

from datetime import timedelta

from core.types import Status
from pages.ui.log_waterfall import Phase, phases
from tests.core.test_usage import NOW, make_attempt

SECOND = timedelta(seconds=1)


def test_an_attempt_waits_and_writes() -> None:
    attempt = make_attempt(NOW, ttft_ms=400, latency_ms=1000)
    sent = NOW - 0.25 * SECOND
    assert phases([attempt], sent_at=sent) == [
        Phase("1 · GPT 1", "Before sending", 0, 0.25),
        Phase("1 · GPT 1", "Waiting", 0.25, 0.65),
        Phase("1 · GPT 1", "Streaming", 0.65, 1.25),
    ]
    assert phases([attempt], sent_at=None)[0] == Phase("1 · GPT 1", "Waiting", 0, 0.4)


def test_the_pause_before_another_try_is_shown() -> None:
    first = make_attempt(NOW, status=Status.FAILED, ttft_ms=None, latency_ms=100)
    second = make_attempt(NOW + 2 * SECOND, attempt_number=2, ttft_ms=0, latency_ms=500)
    assert phases([first, second], sent_at=NOW) == [
        Phase("1 · GPT 1", "No token came", 0, 0.1),
        Phase("2 · GPT 1", "Before sending", 0.1, 2),
        Phase("2 · GPT 1", "Waiting", 2, 2),
        Phase("2 · GPT 1", "Streaming", 2, 2.5),
    ]


def test_a_clock_that_was_set_back_and_a_time_that_is_unknown_leave_no_phase() -> None:
    first = make_attempt(NOW, latency_ms=5000, ttft_ms=9000)
    second = make_attempt(NOW + SECOND, attempt_number=2, latency_ms=None)
    assert phases([first, second], sent_at=NOW + SECOND) == [
        Phase("1 · GPT 1", "Waiting", 0, 5),
        Phase("1 · GPT 1", "Streaming", 5, 5),
    ]
