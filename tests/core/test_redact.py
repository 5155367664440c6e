import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.redact import redact, shorten

ODD_KEY = 'p@ss "word"/with+signs'


@pytest.mark.parametrize(
    "key",
    [
        "sk-proj-abcdefghijklmnopqrstuvwxyz012345",
        "sk-ant-api03-AAAAbbbbCCCC1111",
        "sk-ab******************wxyz",
        "gsk_0123456789abcdefghij",
        "xai-0123456789abcdefghij",
        "AIzaSyA1234567890abcdefghij",
        "AKIAIOSFODNN7EXAMPLE",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "0123456789abcdef0123456789abcdef.AbCdEf0123456789",
        "q7Jd81kLmZxP03vWnT5sRbYh2CfGuEoA",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    ],
)
def test_what_looks_like_a_key_is_removed(key: str) -> None:
    assert key not in (clean := redact(f"The key {key} is wrong."))
    assert clean.startswith("The key ") and clean.endswith("is wrong.")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Authorization: Bearer abcdef123456", "Authorization: "),
        ("bearer%20abcdef123456", ""),
        ('{"api_key": "short-one-1"}', ""),
        ("api-key=plainvalue&x=1", "&x=1"),
        ("https://user:secretword@host.example/v1", "@host.example/v1"),
        ("http://tokenonly@host.example", "@host.example"),
    ],
)
def test_named_credentials_are_removed(text: str, expected: str) -> None:
    clean = redact(text)
    assert "***" in clean and expected in clean
    assert not any(word in clean for word in ("abcdef", "short-one", "plainvalue", "secretword", "tokenonly"))


@pytest.mark.parametrize(
    "text",
    [
        "The model `claude-sonnet-4-5-20250929` does not exist.",
        "maximum context length is 128000 tokens",
        "key-management and sk-learn are words; risk-assessment-framework too",
        "accounts/fireworks/models/Llama-4-Maverick-17B-128E-Instruct-FP8-Long-Context",
        "request 0f8fad5b-d9cb-469f-a165-70867728950e failed",
        "Missing bearer token; basic auth is not offered",
        "Invalid URL (POST /v1/chat/completions)",
    ],
)
def test_ordinary_wording_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    "written",
    [ODD_KEY, json.dumps(ODD_KEY), repr(ODD_KEY), quote(ODD_KEY), base64.b64encode(ODD_KEY.encode()).decode()],
)
def test_a_given_secret_is_removed_however_it_is_written(written: str) -> None:
    clean = redact(f"before {written} after", [ODD_KEY])
    assert "p@ss" not in clean and "word" not in clean and "with" not in clean and written not in clean
    assert clean.startswith("before ") and clean.endswith(" after")


def test_a_short_secret_is_removed_only_where_it_stands_alone() -> None:
    assert redact("none of this, nonetheless: none", ["none"]) == "*** of this, nonetheless: ***"


def test_no_secret_changes_nothing() -> None:
    assert redact("plain words", ["", "  "]) == "plain words"


@settings(deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=8, max_size=60), st.text(max_size=40))
def test_a_secret_never_survives(secret: str, around: str) -> None:
    if secret.strip() and secret.strip() not in "***":
        assert secret.strip() not in redact(f"{around}{secret}{around}", [secret]) or secret.strip() in around


def test_shortening_keeps_one_line_and_marks_the_cut() -> None:
    assert shorten("a  b\n c", 10) == "a b c"
    assert shorten("abcdefghij", 5) == "abcd…"
    assert len(shorten("word " * 1000, 60)) <= 60
