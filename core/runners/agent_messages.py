"""Read the messages of the SDK: their types end here."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from core.events import StreamEvent
from core.runners.agent_answer import AgentAnswer

if TYPE_CHECKING:
    from claude_agent_sdk import AssistantMessage, Message, UserMessage


def read(message: "Message", answer: AgentAnswer) -> Iterator[StreamEvent]:
    """Yield what one message adds to the answer. Raises ProviderError or SessionLost for a turn that failed."""
    from claude_agent_sdk import AssistantMessage, ResultMessage, SystemMessage, UserMessage  # costs 460 ms to import
    from claude_agent_sdk import StreamEvent as Partial

    match message:
        case Partial(parent_tool_use_id=None):
            yield from answer.partial(message.event, session_id=message.session_id)
        case AssistantMessage():
            yield from _said(message, answer)
        case UserMessage():
            yield from _results(message, answer)
        case SystemMessage(subtype="api_retry"):
            yield from answer.retry(message.data)
        case ResultMessage():
            yield from answer.result(message)
        case _:
            pass


def _said(message: "AssistantMessage", answer: AgentAnswer) -> Iterator[StreamEvent]:
    from claude_agent_sdk import TextBlock, ThinkingBlock, ToolUseBlock

    parent_id = message.parent_tool_use_id
    calls = [block for block in message.content if isinstance(block, ToolUseBlock)]
    texts = [block.text for block in message.content if isinstance(block, TextBlock)]
    if parent_id is None:
        yield from answer.block("".join(texts), model=message.model, word=message.error)
    elif message.model != "<synthetic>":
        thoughts = [block.thinking for block in message.content if isinstance(block, ThinkingBlock)]
        written = [*texts, *thoughts, *(str(call.input) for call in calls)]
        ids = [call.id for call in calls]
        key = message.message_id or message.uuid or parent_id
        yield from answer.of_sub_agent(key, parent_id, message.usage, written, ids)
    for call in calls:
        yield from answer.call(call.id, call.name, call.input, parent_id=parent_id)


def _results(message: "UserMessage", answer: AgentAnswer) -> Iterator[StreamEvent]:
    from claude_agent_sdk import ToolResultBlock

    blocks: list[Any] = message.content if isinstance(message.content, list) else []
    for block in blocks:
        if isinstance(block, ToolResultBlock):
            yield from answer.tool_result(
                block.tool_use_id, block.content, is_error=bool(block.is_error), told=message.tool_use_result
            )
