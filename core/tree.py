"""The messages of a conversation as a tree: branches, siblings, and the leaf that is shown. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.types import Node


@dataclass(frozen=True, slots=True)
class Tree:
    """`nodes` in the order they were written."""

    nodes: Sequence[Node]

    def branch(self, leaf_id: str | None) -> list[str]:
        """Return the ids from the first message to the leaf."""
        parents = {node.id: node.parent_id for node in self.nodes}
        ids: list[str] = []
        at = leaf_id
        while at is not None and at in parents:
            ids.append(at)
            at = parents[at]
        return ids[::-1]

    def siblings(self) -> dict[str, list[str]]:
        """Return, for each message that has any, all messages with its parent, itself included, oldest first."""
        by_parent: dict[str | None, list[str]] = {}
        for node in self.nodes:
            by_parent.setdefault(node.parent_id, []).append(node.id)
        return {id_: ids for ids in by_parent.values() if len(ids) > 1 for id_ in ids}

    def leaf_under(self, message_id: str) -> str:
        """Return the last message of the newest branch below this one: what to show when it is chosen."""
        newest: dict[str | None, str] = {node.parent_id: node.id for node in self.nodes}
        at = message_id
        while at in newest:
            at = newest[at]
        return at
