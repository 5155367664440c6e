"""Text that people type: what is kept, what is refused, and when two names are the same. Pure."""

import re
import unicodedata

from core.errors import InvalidInput

NAME_LIMIT = 80
TITLE_LIMIT = 60
MESSAGE_LIMIT = 400_000  # characters; about the largest context of any model in the catalogue
# These would turn a name into a link, an image or markup wherever a label renders Markdown.
_MARKUP = "*`[]<>|\\$~"


def clean_name(text: str, *, what: str, field: str = "name") -> str:
    """Return the name with its blanks tidied. Raises InvalidInput with the reason."""
    name = " ".join(text.split())
    if not name:
        raise InvalidInput(f"Enter a {what}.", field=field)
    if len(name) > NAME_LIMIT:
        raise InvalidInput(f"The {what} has {len(name):,} characters; {NAME_LIMIT} is the most.", field=field)
    if any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn") for character in name):
        raise InvalidInput(f"The {what} contains an invisible or invalid character. Type it by hand.", field=field)
    if found := sorted({character for character in name if character in _MARKUP}):
        raise InvalidInput(f"The {what} may not contain {' '.join(found)}", field=field)
    return name


def tidy_name(text: str) -> str:
    """Return a name that others gave without what `clean_name` refuses, cut; empty if nothing is left."""
    kept = "".join(
        " " if character in _MARKUP or unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn") else character
        for character in text
    )
    return " ".join(kept.split())[:NAME_LIMIT].strip()


def name_key(name: str) -> str:
    """Return what two names share when they differ only in case or Unicode form."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def clean_identifier(text: str, *, what: str, field: str) -> str:
    """Return an id as a provider wants it: printable, no blanks, at most 200 characters. Raises InvalidInput."""
    identifier = text.strip()
    if not identifier:
        raise InvalidInput(f"Enter a {what}.", field=field)
    if len(identifier) > 200:
        raise InvalidInput(f"The {what} has {len(identifier):,} characters; 200 is the most.", field=field)
    if not identifier.isprintable() or any(character.isspace() for character in identifier):
        raise InvalidInput(f"The {what} may not contain blanks or invisible characters.", field=field)
    return identifier


def storable(text: str) -> str:
    """Return the text without what the store and JSON refuse: NUL is dropped, lone surrogates become U+FFFD."""
    return text.replace("\x00", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def clean_message(text: str) -> str:
    """Return a message as it will be stored and sent. Raises InvalidInput when it is empty or too long."""
    message = storable(text).strip()
    if not message:
        raise InvalidInput("Type a message first.", field="message")
    if len(message) > MESSAGE_LIMIT:
        raise InvalidInput(
            f"The message has {len(message):,} characters; {MESSAGE_LIMIT:,} is the most. Send it in parts.",
            field="message",
        )
    return message


def title_of(text: str) -> str:
    """Return a conversation's title from its first message: the first line with words, cut at a word, no markup."""
    lines = (" ".join(line.split()).strip("#>*_`~-|= ") for line in text.splitlines())
    line = next((line for line in lines if any(character.isalnum() for character in line)), "")
    line = "".join(character for character in line if character not in _MARKUP) or "New chat"
    return line if len(line) <= TITLE_LIMIT else line[:TITLE_LIMIT].rsplit(" ", 1)[0].rstrip(",;:.") + "…"


def excerpt(text: str, words: str, *, around: int = 60) -> tuple[str, str, str]:
    """Return what stands before the words in a text, the words as they stand there, and what follows, in one line."""
    match = re.search(re.escape(words), text, re.IGNORECASE)
    start, end = match.span() if match else (0, 0)
    before, found, after = text[max(start - around, 0) : start], text[start:end], text[end : end + around]
    before = ("…" if start > around else "") + before
    after += "…" if end + around < len(text) else ""
    return re.sub(r"\s+", " ", before), re.sub(r"\s+", " ", found), re.sub(r"\s+", " ", after)


def clean_title(text: str) -> str:
    """Return a title as it will be stored, in one line. Raises InvalidInput."""
    title = " ".join(storable(text).split())
    if not title:
        raise InvalidInput("Enter a title.", field="title")
    if len(title) > NAME_LIMIT:
        raise InvalidInput(f"The title has {len(title):,} characters; {NAME_LIMIT} is the most.", field="title")
    return title
