"""Cut a growing Markdown answer into blocks that never change again and a tail mended to be shown now. Pure."""

import re

BLOCK = 12_000  # characters; Streamlit sends an element of 10 kB and more only once and then by its hash (measured)
LONGEST = 16_000

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_RULE = re.compile(r"\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*")


def split(text: str) -> tuple[list[str], str]:
    """Return the finished blocks and the rest. Blocks of a longer text begin with those of its beginning."""
    blocks: list[str] = []
    start = 0
    while len(text) - start > BLOCK:
        end, reopen = _cut(text, start)
        if end is None:
            break
        block = text[start:end]
        if reopen is None:
            blocks.append(block)
            start = end
        else:  # a code block longer than a block may be: close it here and open it again
            fence, info = reopen
            blocks.append(f"{block}{fence}")
            text = text[:end] + f"{fence}{info}\n" + text[end:]
            start = end
    return blocks, text[start:]


def _cut(text: str, start: int) -> tuple[int | None, tuple[str, str] | None]:
    """Return where the block that begins at `start` ends, and the fence to open again if the cut is inside one.

    Whatever comes later may not move the cut: it looks one line ahead and no further.
    """
    fence: tuple[str, str] | None = None
    in_math = False
    best: int | None = None
    at = start
    while at < len(text):
        newline = text.find("\n", at)
        end = len(text) if newline < 0 else newline + 1
        if at - start >= BLOCK and best is not None:
            return best, None
        if end - start > LONGEST:
            return (at if at > start else start + LONGEST), fence
        if newline < 0:
            return None, None
        line = text[at:newline]
        if match := _FENCE.match(line):
            fence = _after(fence, match)
        elif fence is None and line.count("$$") % 2:
            in_math = not in_math
        following = text[end : end + 1]
        if fence is None and not in_math and not line.strip() and following and following not in " \t\n|>":
            best = end
        at = end
    return None, None


def _after(fence: tuple[str, str] | None, match: re.Match[str]) -> tuple[str, str] | None:
    marks, rest = match.group(1), match.group(2)
    if fence is None:
        return None if marks[0] == "`" and "`" in rest else (marks, rest.strip())
    closes = marks[0] == fence[0][0] and len(marks) >= len(fence[0]) and not rest.strip()
    return None if closes else fence


def mend(tail: str) -> str:
    """Close what the tail leaves open, so that no fence, emphasis, link or table head shows as raw signs meanwhile."""
    fence: tuple[str, str] | None = None
    for line in tail.splitlines():
        if match := _FENCE.match(line):
            fence = _after(fence, match)
    if fence is not None:
        return f"{tail.rstrip(chr(10))}\n{fence[0]}"
    if tail.count("$$") % 2:
        return tail + "\n$$" if "\n" in tail[tail.rfind("$$") :] else tail + "$$"
    before, blank, paragraph = tail.rpartition("\n\n")
    return before + blank + _mend_paragraph(paragraph)


def _mend_paragraph(paragraph: str) -> str:
    lines = paragraph.split("\n")
    head = next((n for n, line in enumerate(lines) if line.lstrip().startswith("|")), None)
    if head is not None and (head + 1 >= len(lines) or (head + 2 == len(lines) and not _is_rule(lines, head))):
        return "\n".join(lines[:head])  # a table's head is raw text until its rule is complete
    text = re.sub(r"(^|\n) {0,3}(`{1,2}|~{1,2}|#{1,6}|[-+*]|\d+\.)$", r"\1", paragraph)
    text = re.sub(r"!?\[[^\[\]\n]*(\]\([^()\n]*)?$", lambda link: _open_link(link.group()), text)
    code = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", text, flags=re.DOTALL)
    if "`" in code:
        opening = re.search(r"`+", code)
        marks = opening.group() if opening else "`"
        return text.removesuffix(marks) if text.endswith(marks) else text + marks
    return _close_emphasis(text, code)


def _is_rule(lines: list[str], head: int) -> bool:
    rule = lines[head + 1]
    return bool(_RULE.fullmatch(rule)) and rule.count("|") >= lines[head].count("|")


def _open_link(text: str) -> str:
    """Show an unfinished link as its words."""
    return text.lstrip("!").lstrip("[").partition("](")[0]


def _close_emphasis(text: str, prose: str) -> str:
    """Append the closing marks of open bold, italics and strikethrough; marks with nothing after them wait."""
    bare = text.rstrip("*_~")
    if bare != text and (not bare or bare[-1].isspace()):
        return bare
    closing = ""
    for marks in ("~~", "**", "__"):
        if prose.count(marks) % 2:
            closing = marks + closing
        prose = prose.replace(marks, "")
    stars = re.findall(r"(?<![\w*\s])\*|\*(?=[^\s*])", prose)
    if len(stars) % 2:
        closing = "*" + closing
    return (text.rstrip() + closing) if closing else text
