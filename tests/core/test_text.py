"""Names, ids and messages as people type them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InvalidInput
from core.text import (
    MESSAGE_LIMIT,
    NAME_LIMIT,
    TITLE_LIMIT,
    clean_identifier,
    clean_message,
    clean_name,
    clean_title,
    excerpt,
    name_key,
    storable,
    title_of,
)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("My provider", "My provider"),
        ("  My \t provider\n", "My provider"),
        ("My\u00a0provider", "My provider"),
        ("Müller & Söhne (EU)", "Müller & Söhne (EU)"),
        ("供应商", "供应商"),
        ("Rocket 🚀", "Rocket 🚀"),
        ("a" * NAME_LIMIT, "a" * NAME_LIMIT),
    ],
)
def test_a_name_keeps_its_words_and_loses_stray_blanks(typed: str, name: str) -> None:
    assert clean_name(typed, what="name") == name


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "Enter a project name."),
        (" \n\t", "Enter a project name."),
        ("a" * 10_000, "10,000 characters; 80 is the most"),
        ("a\x00b", "invisible or invalid"),
        ("a\u200bb", "invisible or invalid"),
        ("\u202eevil", "invisible or invalid"),
        ("a\ud800", "invisible or invalid"),
        ("a\ue000", "invisible or invalid"),
        ("**bold**", "may not contain *"),
        ("![x](https://example.com/x.png)", "may not contain [ ]"),
        ("<b>", "may not contain < >"),
        ("a|b", "may not contain |"),
        ("$x$", "may not contain $"),
        ("a\\b", "may not contain \\"),
    ],
)
def test_a_bad_name_is_refused_with_its_reason(typed: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        clean_name(typed, what="project name", field="project")
    assert reason in caught.value.message
    assert caught.value.field == "project"


@pytest.mark.parametrize(
    ("one", "other"),
    [("OpenAI", "openai"), ("Straße", "STRASSE"), ("ﬁne", "Fine"), ("Ａ", "a"), ("é", "e\u0301"), ("K", "k")],
)
def test_names_that_look_alike_have_one_key(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


def test_different_names_have_different_keys() -> None:
    assert len({name_key(name) for name in ("OpenAI", "Open AI", "OpenAI 2", "0penAI")}) == 4


@settings(deadline=None)
@given(st.text(max_size=20))
def test_a_name_key_is_stable(name: str) -> None:
    assert name_key(name_key(name)) == name_key(name)


@pytest.mark.parametrize("typed", ["gpt-4o", " gpt-4o\n", "qwen/qwen3:32b@main", "模型-1", "a" * 200])
def test_an_id_is_kept_without_the_blanks_around_it(typed: str) -> None:
    assert clean_identifier(typed, what="model id", field="id") == typed.strip()


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "Enter a model id."),
        ("\n", "Enter a model id."),
        ("a" * 201, "201 characters; 200 is the most"),
        ("gpt 4o", "blanks or invisible"),
        ("gpt\n4o", "blanks or invisible"),
        ("gpt\u200b4o", "blanks or invisible"),
        ("gpt\x00", "blanks or invisible"),
        ("gpt\ud800", "blanks or invisible"),
    ],
)
def test_a_bad_id_is_refused_with_its_reason(typed: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        clean_identifier(typed, what="model id", field="id")
    assert reason in caught.value.message
    assert caught.value.field == "id"


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("plain", "plain"),
        ("a\x00b", "ab"),
        ("a\ud800b", "a\ufffdb"),
        ("a\udc00b", "a\ufffdb"),
        ("end\ud83d", "end\ufffd"),
        ("\ud83d\ude80", "🚀"),
        ("🚀 \u200b kept", "🚀 \u200b kept"),
    ],
)
def test_what_the_store_refuses_is_replaced_and_the_rest_stays(text: str, stored: str) -> None:
    assert storable(text) == stored


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=[]), max_size=50))
def test_storable_text_is_encodable_and_stable(text: str) -> None:
    once = storable(text)
    once.encode("utf-8")
    assert "\x00" not in once
    assert storable(once) == once


def test_a_message_keeps_its_inside_and_loses_blanks_around_it() -> None:
    assert clean_message("\n\n  def f():\n\treturn 1\n\n") == "def f():\n\treturn 1"
    assert clean_message("a" * MESSAGE_LIMIT) == "a" * MESSAGE_LIMIT


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "Type a message"),
        (" \n\t", "Type a message"),
        ("\x00", "Type a message"),
        ("a" * (MESSAGE_LIMIT + 1), "400,001 characters; 400,000 is the most"),
    ],
)
def test_a_message_without_text_or_too_long_is_refused(typed: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        clean_message(typed)
    assert reason in caught.value.message
    assert caught.value.field == "message"


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Plan a trip", "Plan a trip"),
        ("\n\n  # Plans for *Rome*\nand more", "Plans for Rome"),
        ("---\n```python\nprint(1)\n```", "python"),
        ("> [a link](https://example.com) | `code`", "a link(https://example.com)  code"),
        ("???\n!!!", "New chat"),
        ("", "New chat"),
        ("供应商是什么？", "供应商是什么？"),
        ("word " * 11 + "12345", "word " * 11 + "12345"),
        ("word " * 12 + "more", ("word " * 12).strip() + "…"),
        ("one, " * 20, ("one, " * 11 + "one") + "…"),
        ("a" * 200, "a" * TITLE_LIMIT + "…"),
    ],
)
def test_a_title_is_the_first_line_with_words_without_markup_cut_at_a_word(text: str, title: str) -> None:
    assert title_of(text) == title


@settings(deadline=None)
@given(st.text(max_size=200))
def test_every_message_has_a_title_that_fits_in_one_line(text: str) -> None:
    title = title_of(text)
    assert title
    assert len(title) <= TITLE_LIMIT + 1
    assert "\n" not in title


def test_a_title_that_is_typed_keeps_its_signs_in_one_line() -> None:
    assert clean_title("  Plans\n for\t*Rome* 🚀 ") == "Plans for *Rome* 🚀"
    assert clean_title("a" * NAME_LIMIT) == "a" * NAME_LIMIT


@pytest.mark.parametrize(("typed", "reason"), [(" \n", "Enter a title."), ("a" * 81, "81 characters; 80 is the most")])
def test_a_title_without_words_or_too_long_is_refused(typed: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason) as caught:
        clean_title(typed)
    assert caught.value.field == "title"


def test_an_excerpt_shows_the_words_as_they_stand_with_what_is_around_them() -> None:
    text = "x" * 100 + " the\nCOLOSSEUM (Rome) " + "y" * 100
    before, found, after = excerpt(text, "colosseum (r", around=10)
    assert (before, found, after) == ("…xxxxx the ", "COLOSSEUM (R", "ome) yyyyy…")
    assert excerpt("Rome", "rome") == ("", "Rome", "")
    assert excerpt("a\nb c", "b\tc") == ("", "", "a b c"), "words that are not there leave the beginning"
