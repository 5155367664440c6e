"""Text of models, providers and people on its way to the page: names literally, answers without remote images.

What a browser may load is also limited by the headers, but a launcher that runs the app as a plain script sends none.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from html import unescape

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>$:&])")
# They turn the order of what follows around: "moc.live" reads as "evil.com", a comment as code.
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_FENCE = re.compile(r"(?P<indent> {0,3})(?P<marks>`{3,}(?=[^`]*$)|~{3,})(?P<info>.*)")
_OPENER = re.compile(r"(`{3,}|~{3,})([^\n]*)")
# What lets a diagram load or lead somewhere, or could hide that it does.
_LOADS = re.compile(r"img|image|https?:|//|url|href|click|themecss|\\[ux0-9]|(?<!<)<(?!br\s*/?>|<)[a-z]", re.IGNORECASE)
_JOINER = "\u2060"  # shows nothing, and parts "!" from "["
_PROSE = re.compile(
    r"(?P<span>(?<![\\`])(?P<ticks>`+)(?!`)[^\n]+?(?<!`)(?P=ticks)(?!`))"
    r"|(?P<address><(?:https?://|mailto:)[^\s<>`]*>)"
    r"|(?P<target>\][(:][ \t]*<?(?=\s*<?(?P<place>[^\s)>]*)))"
    r"|(?P<tag><(?=[A-Za-z/!?]))"
    r"|(?P<image>\\?!+\[)"
    r"|(?P<directive>:(?=:*[A-Za-z][\w-]*[\[{]|::))"
    r"|(?<!\\)\\\[(?P<block>.+?)\\\]"  # \[ … \] and \( … \): how OpenAI's models write formulas
    r"|(?<!\\)\\\((?P<inline>.+?)\\\)"
    r"|(?P<display>(?<![\\$])\$\$(?!\$).+?\$\$)"
    r"|(?P<dollars>(?<![\\$])\$(?![\s$])[^$\n]*?(?<![\s\\])\$(?![\d$]))"  # Pandoc's rule, so that $5 and $10 are prices
    r"|(?P<price>(?<!\\)\$)",
    re.DOTALL,
)
_TAKES = re.compile(r"[`\\<$:\[{|@]|www", re.IGNORECASE)
_OWN_LINES = re.compile(r"\$\$\n.*\n\$\$", re.DOTALL)


def visible(text: str) -> str:
    """Return the text with characters that change its direction shown by their numbers."""
    return _BIDI.sub(lambda found: f"⟪U+{ord(found.group()):04X}⟫", text)


def literal(text: str) -> str:
    """Return the text so that a label shows it as it is: widgets render Markdown in their labels."""
    return _MARKDOWN.sub(r"\\\1", visible(text))


@lru_cache(maxsize=256)  # the finished blocks of a growing answer are asked for with every look: 12 ms each
def answer(text: str) -> str:
    """Return a model's Markdown as the page may render it.

    Images become links the reader may follow, since none may load by itself; a diagram that could load something is
    shown as its source; HTML, Streamlit's directives and links that lead to no page are text; LaTeX is in dollars, and
    a dollar that is money stays money. Code is left as it is, where it is sure to be code.
    """
    return "\n".join(_parts(visible(text.replace("\r\n", "\n").replace("\r", "\n")).split("\n")))


def _parts(lines: list[str]) -> Iterator[str]:
    """Yield fenced blocks and what stands between them.

    What is in a fence stays as it is, so it has to be one for Markdown too: what could swallow a fence (HTML, a formula
    or a directive left open) is undone in the prose, and where a list makes it doubtful, the rest is taken for neither.
    """
    start = at = 0
    while at < len(lines):
        fence = _FENCE.fullmatch(lines[at])
        if fence is None:
            at += 1
            continue
        if start < at:
            yield _prose("\n".join(lines[start:at]))
        end = _end(lines, at, fence)
        if end is None:
            yield _unsure("\n".join(lines[at:]))
            return
        yield _fenced(fence, lines[at + 1 : end])
        start = at = end
    if start < len(lines):
        yield _prose("\n".join(lines[start:]))


def _end(lines: list[str], at: int, fence: re.Match[str]) -> int | None:
    """Return the line after a fenced block, or None if it depends on a list around it where that is."""
    indent, marks = fence["indent"], fence["marks"]
    closing = re.compile(f"{re.escape(marks)}{re.escape(marks[0])}*[ \t]*")
    for number in range(at + 1, len(lines)):
        line = lines[number]
        if indent and line.strip() and not line.startswith(indent):
            return None
        if closing.fullmatch(line.lstrip(" ")):
            if not line.startswith("    "):
                return number + 1
            if indent:
                return None
    return len(lines)


def _fenced(fence: re.Match[str], rest: list[str]) -> str:
    is_diagram = "mermaid" in unescape(fence["info"]).casefold()
    first = f"{fence['indent']}{fence['marks']}text" if is_diagram and _LOADS.search("\n".join(rest)) else fence[0]
    return "\n".join([first, *rest])


def _unsure(text: str) -> str:
    """Undo images and diagrams in what may be code or not, with as little change as can be."""
    return _without_diagrams(text).replace("![", f"!{_JOINER}[")


def _without_diagrams(text: str) -> str:
    def opener(match: re.Match[str]) -> str:
        return f"{match[1]}text" if "mermaid" in unescape(match[2]).casefold() else match[0]

    return _OPENER.sub(opener, text)


def _prose(text: str) -> str:
    return _PROSE.sub(_rewritten, _without_diagrams(text))


def _rewritten(match: re.Match[str]) -> str:
    whole = match.group()
    match match.lastgroup:
        case "span":
            return whole if _is_sure(match) else _unsure(whole)
        case "address":
            return whole
        case "tag":
            return "&lt;"  # a backslash would become part of an address before it
        case "target":
            return whole if _leads_to_a_page(match["place"]) else f"]\\{whole[1:].replace('<', '&lt;')}"
        case "directive" | "price":
            return f"\\{whole}"
        case "image":
            return "["
        case "block":
            return _on_own_lines(_no_dollars(match["block"]))
        case "inline":
            return f"${' '.join(_formula(_no_dollars(match['inline'])).split())}$"
        case "display" if "\n" in whole and not (_OWN_LINES.fullmatch(whole) and _is_alone(match)):
            return _on_own_lines(whole[2:-2])
        case _:
            return _formula(whole)


def _leads_to_a_page(place: str) -> bool:
    """Whether a link goes to a page or writes a mail; other schemes start programs, or are their own content."""
    bare = re.sub(r"[\x00-\x20]", "", unescape(re.sub(r"\\(?=[!-/:-@\[-`{-~])", "", place)))
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", bare)
    return scheme is None or scheme[1].lower() in ("http", "https", "mailto")


def _is_sure(span: re.Match[str]) -> bool:
    """Whether Markdown, too, sees code here: nothing before it in the paragraph could take its first backtick."""
    before = re.split(r"\n[ \t]*\n", span.string[: span.start()])[-1]
    return _TAKES.search(before) is None and "|" not in span.group()


def _is_alone(match: re.Match[str]) -> bool:
    """Whether the match begins and ends with a line."""
    return match.string[: match.start()][-1:] in ("", "\n") and match.string[match.end() :][:1] in ("", "\n")


def _on_own_lines(formula: str) -> str:
    return f"\n$$\n{_formula(formula).strip()}\n$$\n"


def _no_dollars(formula: str) -> str:
    return re.sub(r"(?<!\\)\$", r"\\$", formula)


def _formula(formula: str) -> str:
    """Return the formula with spaces, which mean nothing in it, where Markdown could see an image or a tag."""
    return re.sub(r"<(?=[A-Za-z/!?])", "< ", formula.replace("![", "! ["))
