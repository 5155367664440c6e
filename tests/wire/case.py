"""One thing that was seen on a provider's wire, or made up, and what has to come of it.

`seen` says where: an issue as owner/name#number, the address of a vendor's document, or SYNTHETIC for what nobody was
found to send. All were looked up on 2026-11-24.
"""

import json
from dataclasses import dataclass
from typing import Any

from core.errors import ErrorKind
from core.types import FinishReason, Usage

SYNTHETIC = "synthetic"
ANYBODY = "anybody"


@dataclass(frozen=True, slots=True)
class Answer:
    """A body that came with status 200. `usage` None: no tokens are reported. `kind` None: the answer is complete."""

    name: str
    whose: str
    seen: str
    body: bytes
    text: str = "Hello"
    reasoning: str = ""
    usage: Usage | None = None
    finish: FinishReason | None = FinishReason.STOP
    kind: ErrorKind | None = None
    notices: int = 0
    content_type: str = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer with an error status, or an error in a body with status 200."""

    name: str
    whose: str
    seen: str
    status: int
    body: bytes
    kind: ErrorKind


def broken(name: str, whose: str, seen: str, body: bytes, kind: ErrorKind, **more: Any) -> Answer:
    """Return an answer that ends in an error."""
    return Answer(name, whose, seen, body, kind=kind, finish=None, **more)


def encoded(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()
