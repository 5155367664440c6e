"""One turn from prompt to finished log row. Both rows exist before the request leaves; the engine owns the rest."""

import time
from dataclasses import replace
from datetime import UTC, datetime

from core.agents import Agents
from core.answering import Answering
from core.catalog import load_catalog
from core.engine import Engine
from core.errors import StorageError, TurnRefused
from core.ids import new_id, process_id
from core.live import LiveTurn
from core.providers import Providers
from core.raw import RawBodies
from core.router import fallbacks, resolve
from core.runners.parameters import check
from core.store import Store
from core.store.connection import Conflict, Cursor
from core.store.conversations import fetch
from core.text import clean_message, title_of
from core.tree import Tree
from core.types import (
    UNSET,
    AnswerSettings,
    ChatMessage,
    ChatRequest,
    Choice,
    Conversation,
    Message,
    Project,
    Refusal,
    Role,
    Route,
    Status,
)


class Turns:
    """Send, follow, stop."""

    def __init__(
        self,
        store: Store,
        engine: Engine,
        providers: Providers,
        agents: Agents,
        *,
        retries: int = 2,
        raw: RawBodies | None = None,
    ) -> None:
        self._store = store
        self._agents = agents
        self._engine = engine
        self._providers = providers
        self._answering = Answering(store, engine, learn=providers.take, retries=retries, raw=raw)

    def preview(self, choice: Choice, *, project_id: str | None = None) -> Route | Refusal:
        """Return what the router would answer now."""
        project = self._store.projects.get(project_id) if project_id else None
        return self._resolve(choice, project)[0]

    def _resolve(self, choice: Choice, project: Project | None) -> tuple[Route | Refusal, list[Route]]:
        """Return the route, and those to try when it fails."""
        now_s = time.monotonic()
        candidates = [
            replace(candidate, rests_s=self._answering.cool_down.rests_s(candidate.provider.id, now_s=now_s))
            for candidate in self._providers.candidates(project)
        ]
        route = resolve(candidates, choice=choice, project=project, aliases=load_catalog().aliases)
        return route, [] if isinstance(route, Refusal) else fallbacks(route, candidates, project=project)

    def send(
        self,
        text: str,
        choice: Choice,
        *,
        conversation_id: str | None,
        project_id: str,
        settings: AnswerSettings = UNSET,
        is_agent: bool = False,
    ) -> str:
        """Store the message and its reply, start the answer and return the conversation's id (new without one).

        `settings` and `is_agent` are those of a new conversation; one that exists has its own.
        Raises TurnRefused, InvalidInput or StorageError, and then nothing was written.
        """
        text = clean_message(text)
        now = datetime.now(UTC)
        if conversation_id:
            conversation = self._conversation(conversation_id)
            self._start(conversation, choice, parent_id=conversation.leaf_id, text=text)
            return conversation_id
        conversation = Conversation(
            id=new_id(),
            project_id=project_id,
            title=title_of(text),
            choice=choice,
            leaf_id=None,
            created_at=now,
            updated_at=now,
            settings=check(settings),
            is_agent=is_agent,
        )
        self._start(conversation, choice, parent_id=None, text=text, is_new=True)
        return conversation.id

    def tune(self, conversation_id: str, settings: AnswerSettings) -> None:
        """Remember how the next answers of a conversation are asked for. Raises InvalidInput, StorageError."""
        self._store.conversations.tune(conversation_id, check(settings))

    def edit(self, message: Message, text: str, choice: Choice) -> None:
        """Send another text in this message's place; what stood there stays as its sibling. Raises as `send`."""
        conversation = self._conversation(message.conversation_id)
        self._start(conversation, choice, parent_id=message.parent_id, text=clean_message(text))

    def regenerate(self, reply: Message, choice: Choice) -> None:
        """Answer the same message again, also by another model; the reply stays as a sibling. Raises as `send`."""
        conversation = self._conversation(reply.conversation_id)
        self._start(conversation, choice, parent_id=reply.parent_id, text=None)

    def show(self, message: Message) -> None:
        """Show the branch this message is on. Raises TurnRefused while an answer is running."""
        if self._engine.live(message.conversation_id):
            raise TurnRefused("Wait for the answer that is running, or stop it.")
        leaf_id = Tree(self._store.messages.nodes(message.conversation_id)).leaf_under(message.id)
        self._store.log.write(
            lambda cursor: self._store.conversations.move_leaf(cursor, message.conversation_id, leaf_id)
        )
        self._engine.changed(message.conversation_id)

    def stop(self, conversation_id: str) -> None:
        self._engine.stop(conversation_id)

    def history(self, conversation: Conversation) -> list[Message]:
        """Return the branch that is shown, oldest first."""
        return self._branch(conversation.id, conversation.leaf_id)

    def _conversation(self, conversation_id: str) -> Conversation:
        found = self._store.conversations.get(conversation_id)
        if found is None or found.deleted_at:
            raise TurnRefused("This conversation was deleted. Start a new one; your text is still in the box.")
        return found

    def _start(
        self,
        conversation: Conversation,
        choice: Choice,
        *,
        parent_id: str | None,
        text: str | None,
        is_new: bool = False,
    ) -> None:
        """Answer below `parent_id`: a new message of this text or, without one, the message `parent_id` itself."""
        project = self._store.projects.get(conversation.project_id)
        route, others = self._resolve(choice, project)
        if isinstance(route, Refusal):
            raise TurnRefused(route.reason)
        task = self._agents.task(route, project) if conversation.is_agent else None
        history = [] if is_new else self._branch(conversation.id, parent_id)
        now = datetime.now(UTC)
        added: list[Message] = []
        if text is not None:
            added.append(
                Message(
                    id=new_id(),
                    conversation_id=conversation.id,
                    role=Role.USER,
                    text=text,
                    status=Status.DONE,
                    created_at=now,
                    sequence=0,
                    parent_id=parent_id,
                )
            )
            parent_id = added[0].id
        reply = Message(
            id=new_id(),
            conversation_id=conversation.id,
            role=Role.ASSISTANT,
            text="",
            status=Status.STREAMING,
            created_at=now,
            sequence=0,
            parent_id=parent_id,
            provider_id=route.provider.id,
            provider_name=route.provider.name,
            model_id=route.model.id,
            model_name=route.model.name,
            route_reason=route.reason,
        )
        *_, reply = self._write_start(conversation, [*added, reply], is_new=is_new)
        turn = LiveTurn(
            turn_id=new_id(),
            reply=reply,
            project_id=conversation.project_id,
            route=route,
            request=replace(
                _request([*history, *added], project, conversation.settings),
                agent=task,
                session_id=self._agents.session_id([*history, *added], route, project_id=conversation.project_id)
                if task
                else None,
            ),
            fallbacks=[] if task else others,  # work that has begun in a folder is not handed to a plain model
        )
        self._engine.start(turn, self._answering.run(turn))

    def _branch(self, conversation_id: str, leaf_id: str | None) -> list[Message]:
        tree = Tree(self._store.messages.nodes(conversation_id))
        return self._store.messages.get(tree.branch(leaf_id))

    def _write_start(self, conversation: Conversation, messages: list[Message], *, is_new: bool) -> list[Message]:
        """Write the rows of a turn in one transaction, if the conversation is still as it was read."""

        def write(cursor: Cursor) -> list[Message]:
            if is_new:
                self._store.conversations.add(cursor, conversation)
            else:
                known = fetch(cursor, conversation.id)
                if known is None or known.deleted_at or known.leaf_id != conversation.leaf_id:
                    raise Conflict("The conversation has changed.")
            first = self._store.messages.next_sequence(cursor, conversation.id)
            numbered = [replace(message, sequence=first + number) for number, message in enumerate(messages)]
            for message in numbered:
                process = process_id() if message.status is Status.STREAMING else None
                self._store.messages.add(cursor, message, process=process)
            self._store.conversations.move_leaf(cursor, conversation.id, numbered[-1].id)
            return numbered

        try:
            return self._store.log.write(write)
        except Conflict as conflict:
            raise TurnRefused(
                "An answer is running in this conversation, or it has just changed. Your message was not sent."
            ) from conflict
        except StorageError:
            # A commit that seemed to fail may have been kept, and then its reply waits for an answer.
            kept = self._store.messages.get([message.id for message in messages])
            if not kept:
                raise
            return kept


def _request(messages: list[Message], project: Project | None, settings: AnswerSettings) -> ChatRequest:
    """Build what is sent: text only. One provider's reasoning and signatures never go to another."""
    said = tuple(ChatMessage(role=message.role, text=message.text) for message in messages if message.text.strip())
    return ChatRequest(
        messages=said,
        system=project.system_prompt if project else None,
        max_output_tokens=settings.max_output_tokens,
        thinking=settings.thinking,
        temperature=settings.temperature,
    )
