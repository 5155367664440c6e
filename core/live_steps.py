"""The steps of an agent's turn while it runs, and the questions it waits with. Its turn's lock is held around it."""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from core.events import PermissionRequest, PermissionSettled, ToolCall, ToolResult
from core.pricing import cost
from core.types import Decision, Price, Step, StepStatus

_REFUSED = (Decision.DENY, Decision.TIMED_OUT)


class LiveSteps:
    def __init__(self, reply_id: str) -> None:
        self._reply_id = reply_id
        self._steps: dict[str, Step] = {}
        self._began_s: dict[str, float] = {}
        self._asked: dict[str, PermissionRequest] = {}
        self._asked_s: dict[str, float] = {}
        self._decisions: dict[str, Decision] = {}
        self._changed: set[str] = set()  # since they were written last

    def all(self) -> tuple[Step, ...]:
        return tuple(self._steps.values())

    def questions(self) -> tuple[PermissionRequest, ...]:
        return tuple(self._asked.values())

    def question(self, call_id: str) -> PermissionRequest | None:
        return self._asked.get(call_id)

    def call(self, event: ToolCall, *, text_offset: int) -> None:
        self._began_s[event.id] = time.monotonic()
        self._put(
            Step(
                id=event.id,
                reply_id=self._reply_id,
                position=len(self._steps),
                tool=event.name,
                input_json=event.input_json,
                status=StepStatus.RUNNING,
                started_at=datetime.now(UTC),
                text_offset=text_offset,
                parent_id=event.parent_id,
                decision=self._decisions.get(event.id),
            )
        )

    def result(self, event: ToolResult, price: Price) -> None:
        step = self._steps.get(event.call_id)
        if step is None:
            return
        status = StepStatus.FAILED if event.is_error else StepStatus.DONE
        usage = event.usage
        self._put(
            replace(
                step,
                status=StepStatus.DENIED if event.is_refused else status,
                result=event.text,
                path=event.path,
                diff=event.diff,
                duration_ms=self._elapsed_ms(step.id),
                input_tokens=usage.input_tokens if usage else None,
                output_tokens=usage.output_tokens if usage else None,
                cost_usd=cost(usage, price, step.started_at).total if usage else None,
            )
        )

    def ask(self, event: PermissionRequest) -> None:
        self._asked[event.call_id] = event
        self._asked_s[event.call_id] = time.monotonic()

    def settle(self, event: PermissionSettled) -> None:
        asked = self._asked.pop(event.call_id, None)
        if asked is None:
            return
        waited_s = time.monotonic() - self._asked_s.pop(event.call_id)
        self._decisions[event.call_id] = event.decision
        if step := self._steps.get(event.call_id):
            self._began_s[step.id] += waited_s  # a step's time is the tool's, not the reader's
            self._put(replace(step, decision=event.decision))

    def close(self) -> tuple[Step, ...]:
        """End what still runs, as the turn has; return all steps, to be stored."""
        self._asked.clear()
        for step in self._steps.values():
            if step.status is StepStatus.RUNNING:
                status = StepStatus.DENIED if step.decision in _REFUSED else StepStatus.STOPPED
                self._put(replace(step, status=status, duration_ms=self._elapsed_ms(step.id)))
        return self.all()

    def unwritten(self) -> tuple[Step, ...]:
        """Return what changed since the last call to this; give it back to `keep` if it could not be written."""
        changed, self._changed = self._changed, set()
        return tuple(step for id_, step in self._steps.items() if id_ in changed)

    def keep(self, steps: Sequence[Step]) -> None:
        self._changed |= {step.id for step in steps}

    def _put(self, step: Step) -> None:
        self._steps[step.id] = step
        self._changed.add(step.id)

    def _elapsed_ms(self, call_id: str) -> int:
        return max(round((time.monotonic() - self._began_s[call_id]) * 1000), 0)
