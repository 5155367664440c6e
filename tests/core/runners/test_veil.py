from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.runners.veil import Veil

SECRET = "sk-sks-sk-12"


def through(pieces: list[str], secret: str = SECRET) -> str:
    veil = Veil(secret)
    return "".join([*map(veil.feed, pieces), veil.end()])


@given(st.text(alphabet="sk-12 x", max_size=40), st.integers(0, 40), st.lists(st.integers(0, 60), max_size=8))
def test_a_key_is_taken_out_wherever_the_text_is_cut(text: str, place: int, cuts: list[int]) -> None:
    whole = text[:place] + SECRET + text[place:]
    edges = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    assert SECRET not in through([whole[a:b] for a, b in pairwise(edges)])


@given(st.text(alphabet="sk-12 x", max_size=40).filter(lambda text: SECRET not in text))
def test_any_other_text_comes_through_whole_and_letter_by_letter(text: str) -> None:
    assert through([text]) == through(list(text)) == text


@pytest.mark.parametrize("secret", ["", "none", "ollama"])
def test_a_short_word_for_a_key_may_be_said(secret: str) -> None:
    assert through(["none of ", "ollama"], secret) == "none of ollama"


def test_only_what_may_be_a_key_waits() -> None:
    veil = Veil(SECRET)
    assert [veil.feed(piece) for piece in ("a task", "s sk", "y", "sk-s")] == ["a ta", "sks ", "sky", ""]
    assert veil.end() == "sk-s"
