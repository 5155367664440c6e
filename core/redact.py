"""Take keys out of text that is about to be shown, logged or stored. Pure."""

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote

MASK = "***"

# What a key looks like when we do not hold it: the vendors' prefixes, and the ways a key is written into text.
# Providers echo keys masked in the middle ("sk-ab****wxyz", OpenAI 401), so * counts as a letter of a key.
_KEY_SHAPES = re.compile(
    r"""
      \b(?:sk|pk|rk|ak|gsk|csk|xai|pplx|nvapi|hf|fw|r8|ghp|gho|ghs|github_pat|glpat|xox[abeps]|key)
        [-_](?=[A-Za-z0-9_\-.]*[0-9*]|[A-Za-z0-9_\-.]{20})[A-Za-z0-9*][A-Za-z0-9_\-*.]{6,}
    | \bAIza[A-Za-z0-9_\-*]{10,} | \bya29\.[A-Za-z0-9_\-*.]{10,} | \b(?:AKIA|ASIA)[A-Z0-9*]{12,}
    | \beyJ[A-Za-z0-9_\-]{8,}(?:\.[A-Za-z0-9_\-]*)*
    | \b[0-9a-f]{32}\.[A-Za-z0-9]{16}\b
    | \b(?=[A-Za-z0-9]*[a-z])(?=[A-Za-z0-9]*[A-Z])(?=[A-Za-z0-9]*[0-9])[A-Za-z0-9]{32,}\b
    """,
    re.VERBOSE,
)
_BEARER = re.compile(r"\b(bearer|basic)(\s+|%20)(?!token|auth|key|realm)[A-Za-z0-9_\-.~+/=*]{6,}", re.IGNORECASE)
_NAMED = re.compile(
    r"""((?:api[-_ ]?key|x-api-key|x-goog-api-key|access[-_]?token|auth[-_]?token|secret|password|authorization)
        ["']?\s*[:=]\s*["']?)(?!\s|["'])[^\s"'&,;<>(){}]{6,}""",
    re.IGNORECASE | re.VERBOSE,
)
_USERINFO = re.compile(r"(//)[^\s/@:]+(?::[^\s/@]*)?@")
_SHORT = 8  # a shorter secret ("none", "ollama") is removed only where it stands alone


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return the text without the given secrets, however they are written, and without anything shaped like a key.

    Redact before shortening: a key that was cut in half is no longer recognised.
    """
    text = without(text, secrets)
    text = _USERINFO.sub(rf"\1{MASK}@", text)
    text = _BEARER.sub(rf"\1\2{MASK}", text)
    text = _NAMED.sub(rf"\1{MASK}", text)
    return _KEY_SHAPES.sub(MASK, text)


def without(text: str, secrets: Iterable[str]) -> str:
    """Return the text without the given secrets, and otherwise as it is: for what is the reader's own, as files are."""
    for form in sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True):
        if len(form) >= _SHORT:
            text = text.replace(form, MASK)
        else:
            text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(form)}(?![A-Za-z0-9])", MASK, text)
    return text


def shorten(text: str, limit: int) -> str:
    """Return the text on one line, with a … where it was cut to `limit` characters."""
    line = " ".join(text[: limit * 8].split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def _forms(secret: str) -> set[str]:
    """Return the ways one secret is written: as it is, in JSON, in a URL, in a Basic header, without its blanks."""
    stripped = secret.strip()
    if not stripped:
        return set()
    raw = stripped.encode("utf-8", "surrogatepass")
    return {
        secret,
        stripped,
        *(part for part in stripped.split() if len(part) >= _SHORT),
        json.dumps(stripped)[1:-1],
        repr(stripped)[1:-1],
        quote(raw, safe=""),
        quote(raw),
        base64.b64encode(raw).decode().rstrip("="),
    }
