"""Cutting a growing answer into blocks, and mending its tail."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.ui.blocks import BLOCK, LONGEST, mend, split

_LINES = st.sampled_from(
    [
        "",
        "",
        "word " * 40,
        "- item " * 30,
        "```python",
        "```",
        "~~~",
        "| a | b |",
        "$$",
        "x = 1  # " + "y" * 200,
        "> quoted",
    ]
)
_TEXTS = st.lists(_LINES, min_size=1, max_size=400).map("\n".join)


@given(_TEXTS, st.floats(0, 1))
def test_what_was_frozen_never_changes_again(text: str, share: float) -> None:
    begun, _ = split(text[: int(len(text) * share)])
    blocks, _ = split(text)
    assert blocks[: len(begun)] == begun


@given(_TEXTS)
def test_nothing_is_lost_and_no_block_is_too_long(text: str) -> None:
    blocks, tail = split(text)
    assert all(len(block) <= LONGEST + 100 for block in blocks)
    assert len(tail) <= LONGEST + 100
    shown = [line for line in "\n".join([*blocks, tail]).split("\n") if line and not line.startswith(("```", "~~~"))]
    assert shown == [line for line in text.split("\n") if line and not line.startswith(("```", "~~~"))]


def test_a_short_answer_is_all_tail() -> None:
    assert split("Hello\n\nthere") == ([], "Hello\n\nthere")


def test_a_cut_lies_between_paragraphs() -> None:
    paragraph = "word " * 100 + "\n\n"
    blocks, tail = split(paragraph * 60)
    assert blocks and all(block.endswith("\n\n") for block in blocks)
    assert "".join(blocks) + tail == paragraph * 60


def test_a_long_code_block_is_closed_and_opened_again() -> None:
    blocks, tail = split("```python\n" + "print(1)\n" * 4000 + "```\n")
    assert len(blocks) > 1
    assert all(block.startswith("```python\n") and block.endswith("\n```") for block in blocks)
    assert tail.startswith("```python\n") and tail.endswith("```\n")


def test_one_endless_line_is_cut_too() -> None:
    blocks, tail = split("x" * 100_000)
    assert "".join(blocks) + tail == "x" * 100_000
    assert len(tail) <= max(BLOCK, LONGEST)


@pytest.mark.parametrize(
    ("tail", "shown"),
    [
        ("Plain words", "Plain words"),
        ("Some **bold", "Some **bold**"),
        ("Some **bold** and *it", "Some **bold** and *it*"),
        ("Some **", "Some "),
        ("~~gone", "~~gone~~"),
        ("Call `foo", "Call `foo`"),
        ("Call `", "Call "),
        ("```python\nprint(1)", "```python\nprint(1)\n```"),
        ("```python\nprint(1)\n```", "```python\nprint(1)\n```"),
        ("~~~\n``` inside", "~~~\n``` inside\n~~~"),
        ("A list\n- ", "A list\n- "),
        ("# ", "# "),
        ("See [the docs](https://exam", "See the docs"),
        ("See [the do", "See the do"),
        ("See [the docs](https://example.com)", "See [the docs](https://example.com)"),
        ("| a | b |", ""),
        ("Before\n\n| a | b |\n|--", "Before\n\n"),
        ("Before\n\n| a | b |\n|---|---|", "Before\n\n| a | b |\n|---|---|"),
        ("| a | b |\n|---|---|\n| 1", "| a | b |\n|---|---|\n| 1"),
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("snake_case_name", "snake_case_name"),
        ("$$\nx^2", "$$\nx^2\n$$"),
        ("Cost `a * b` and **c", "Cost `a * b` and **c**"),
        ("", ""),
    ],
)
def test_a_tail_shows_no_raw_signs(tail: str, shown: str) -> None:
    assert mend(tail) == shown


@given(st.text(alphabet="ab*_`~[]()|-#$\n ", max_size=80))
def test_mending_never_fails_and_never_invents_words(tail: str) -> None:
    assert set(mend(tail)) <= set(tail) | set("*_`~$\n")
