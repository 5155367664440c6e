"""Branches, siblings and leaves of a conversation."""

from hypothesis import given, settings
from hypothesis import strategies as st

from core.tree import Tree
from core.types import Node, Role, Status


def tree(*links: tuple[str, str | None]) -> Tree:
    """Make a tree of ids with their parents, in the order of writing."""
    return Tree([Node(id_, parent, number, Role.USER, Status.DONE) for number, (id_, parent) in enumerate(links, 1)])


# a was edited to A; c, d and e answer b; d went on with f
TREE = tree(("a", None), ("x", "a"), ("A", None), ("b", "A"), ("c", "b"), ("d", "b"), ("f", "d"), ("e", "b"))


def test_a_branch_goes_from_the_first_message_to_the_leaf() -> None:
    assert TREE.branch("f") == ["A", "b", "d", "f"]
    assert TREE.branch("a") == ["a"]
    assert TREE.branch(None) == []
    assert TREE.branch("nobody") == []
    assert Tree([]).branch(None) == []


def test_siblings_have_one_parent_and_come_oldest_first() -> None:
    assert TREE.siblings() == {
        "a": ["a", "A"],
        "A": ["a", "A"],
        "c": ["c", "d", "e"],
        "d": ["c", "d", "e"],
        "e": ["c", "d", "e"],
    }


def test_a_version_that_is_chosen_is_shown_to_the_end_of_its_newest_branch() -> None:
    assert [TREE.leaf_under(id_) for id_ in ("a", "A", "b", "c", "d", "f")] == ["x", "e", "e", "c", "f", "f"]


@settings(deadline=None)
@given(st.lists(st.integers(min_value=-1, max_value=30), max_size=30))
def test_every_message_is_on_the_branch_that_choosing_it_shows(choices: list[int]) -> None:
    parents = [None if choice < 0 or number == 0 else choice % number for number, choice in enumerate(choices)]
    made = tree(*((str(number), None if parent is None else str(parent)) for number, parent in enumerate(parents)))
    for node in made.nodes:
        leaf = made.leaf_under(node.id)
        branch = made.branch(leaf)
        assert node.id in branch
        assert branch[-1] == leaf
        assert leaf not in {other.parent_id for other in made.nodes}
        assert made.siblings().get(node.id, [node.id]).count(node.id) == 1
