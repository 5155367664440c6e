"""End what a dead process left streaming: with what it had, and a row in the log."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from core.errors import ErrorKind
from core.ids import new_id, process_id
from core.live import AGENT_PROTOCOL
from core.pricing import cost, estimate_tokens
from core.store import Store
from core.store.connection import Cursor
from core.types import Attempt, Message, Price, Status, Usage


def mark_interrupted(store: Store) -> int:
    """Give what a dead process left streaming its last status and its row in the log. Returns how many that were."""
    left = store.messages.left_streaming(process=process_id())
    now = datetime.now(UTC)
    conversations = {reply.conversation_id: store.conversations.get(reply.conversation_id) for reply in left}
    tried = store.attempts.of_replies([reply.id for reply in left]) if left else {}

    def write(cursor: Cursor) -> None:
        for reply in left:
            ended = replace(
                reply,
                status=Status.INTERRUPTED,
                error_kind=ErrorKind.INTERRUPTED.value,
                error_message="Switchboard was stopped while this answer was being written. What had arrived is kept.",
            )
            store.messages.finish(cursor, ended, finished_at=now)
            store.steps.end(cursor, reply.id)
            conversation = conversations[reply.conversation_id]
            row = _cut_off(
                store, ended, tried.get(reply.id, []), conversation.project_id if conversation else None, now
            )
            is_agent = conversation is not None and conversation.is_agent
            store.attempts.add(cursor, replace(row, protocol=AGENT_PROTOCOL) if is_agent else row)

    if left:
        store.log.write(write)
    return len(left)


def _cut_off(store: Store, reply: Message, tried: Sequence[Attempt], project_id: str | None, now: datetime) -> Attempt:
    """Return the log row of an answer whose process died: when it ended nobody knows, its tokens are estimated.

    `tried` are the attempts of its turn that had failed before.
    """
    provider = store.providers.get(reply.provider_id or "")
    model = next((m for m in store.models.of(reply.provider_id or "") if m.id == reply.model_id), None)
    price = model.price if model else Price()
    written = estimate_tokens(reply.text + reply.reasoning)
    usage = Usage(output_tokens=written, is_estimated=True) if written else Usage()
    priced = cost(usage, price, reply.created_at)
    return Attempt(
        id=new_id(),
        turn_id=tried[-1].turn_id if tried else new_id(),
        reply_id=reply.id,
        conversation_id=reply.conversation_id,
        project_id=project_id,
        attempt_number=tried[-1].attempt_number + 1 if tried else 1,
        provider_id=reply.provider_id or "",
        provider_name=reply.provider_name or "",
        protocol=provider.protocol if provider else "",
        model_requested=reply.model_id or "",
        model_name=reply.model_name or "",
        route_reason=reply.route_reason or "",
        status=Status.INTERRUPTED,
        started_at=tried[-1].finished_at if tried else reply.created_at,
        finished_at=now,
        latency_ms=None,
        error_kind=reply.error_kind,
        error_message=reply.error_message,
        usage=usage,
        price=priced.price,
        price_rule=priced.rule,
        cost_usd=priced.total,
        cost_source=priced.source,
    )
