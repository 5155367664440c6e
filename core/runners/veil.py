"""Keep the key of a request out of its own answer, in whatever pieces a server sends it back. Pure."""

from core.redact import MASK

_SHORTEST = 8  # characters; a shorter secret ("none", "ollama") is a word that an answer may well use


class Veil:
    """Replaces a secret in a text that comes in pieces cut anywhere. Holds back only what may be its beginning."""

    def __init__(self, secret: str) -> None:
        self._secret = secret if len(secret) >= _SHORTEST else ""
        self._held = ""

    def feed(self, text: str) -> str:
        if not self._secret:
            return text
        text = (self._held + text).replace(self._secret, MASK)
        keep = self._beginning(text)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def end(self) -> str:
        held, self._held = self._held, ""
        return held

    def _beginning(self, text: str) -> int:
        """Return how many characters at the text's end may be the secret's beginning."""
        start = max(len(text) - len(self._secret) + 1, 0)
        while (start := text.find(self._secret[0], start)) >= 0:
            if self._secret.startswith(text[start:]):
                return len(text) - start
            start += 1
        return 0
