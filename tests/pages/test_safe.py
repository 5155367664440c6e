"""What a name or an answer becomes before it reaches the page."""

import pytest

from pages.ui.safe import answer, literal, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain *words*", "plain *words*"),
        ("![x](https://evil.example/a.png)", "[x](https://evil.example/a.png)"),
        ("| a |\n|--|\n| ![x][1] |\n\n[1]: https://e.example/p", "| a |\n|--|\n| [x][1] |\n\n[1]: https://e.example/p"),
        ("[![x](https://e.example/p)](https://e.example)", "[[x](https://e.example/p)](https://e.example)"),
        ("`![x](y)` stays", "`![x](y)` stays"),
        ("```\n![x](y) $5\n```", "```\n![x](y) $5\n```"),
        ("```\n![x](y) still open", "```\n![x](y) still open"),
        ("It costs $5 and $10.", r"It costs \$5 and \$10."),
        ("Euler: $e^{i\\pi} = -1$.", "Euler: $e^{i\\pi} = -1$."),
        ("$$\nx^2\n$$", "$$\nx^2\n$$"),
        (r"\(a+b\) and \[ c \]", "$a+b$ and \n$$\nc\n$$\n"),
        (r"already \$5", r"already \$5"),
        ("```mermaid\ngraph TD\n a-->b\n```", "```mermaid\ngraph TD\n a-->b\n```"),
        ("```mermaid\n a@{ img: 'https://e.example/p' }\n```", "```text\n a@{ img: 'https://e.example/p' }\n```"),
        ("$HOME and $PATH", r"\$HOME and \$PATH"),
        ("!![x](u)", "[x](u)"),
        ("[x](/y) [x](<HTTPS://e.example>) [x](mailto:a@e.example) [x](#y)",) * 2,
        ("[x](data:text/html,y) [x](vscode://y)", "[x]\\(data:text/html,y) [x]\\(vscode://y)"),
        ("x[^1]\n\n[^1]: ![x](u) ](![x](u)", "x[^1]\n\n[^1]: [x](u) ]([x](u)"),
        ("[x](\n<!--", "[x](\n&lt;!--"),
        ("[x]( <da&#10;ta\\:y>) ![x](data:y)", "[x]\\( &lt;da&#10;ta\\:y>) [x]\\(data:y)"),
        (
            "[x][1]\n\n[1]: javascript:y\n[2]: https://e.example",
            "[x][1]\n\n[1]\\: javascript:y\n[2]: https://e.example",
        ),
        ("\\![x](u) \\!![x](u)", "[x](u) [x](u)"),
        ("a <b> & `Vec<T>` <https://e.example>", "a &lt;b> & `Vec<T>` <https://e.example>"),
        (":red[x] ::color[x]{background=red} a::b 12:30", "\\:red[x] \\:\\:color[x]{background=red} a::b 12:30"),
        ("\\(a\n![b<c\\)", "$a ! [b< c$"),
        ("$![x](u)$", "$! [x](u)$"),
        ("the matrix \\\\[2pt] of \\\\(x", "the matrix \\\\[2pt] of \\\\(x"),
        ("- a\n  ```\n  ![x](u)\n  ```\n![y](u)", "- a\n  ```\n  ![x](u)\n  ```\n[y](u)"),
        ("```\r![x](u)\r```\r![y](u)", "```\n![x](u)\n```\n[y](u)"),
        ("~~~md\n```\n![x](u)\n~~~\n![y](u)", "~~~md\n```\n![x](u)\n~~~\n[y](u)"),
        ("```a\n![x](u)\n````\n![y](u)", "```a\n![x](u)\n````\n[y](u)"),
        ("```a\n![x](u)\n```~\n![y](u)", "```a\n![x](u)\n```~\n![y](u)"),
        ("```mer&#109;aid\nclick a 'https://e.example'\n```", "```text\nclick a 'https://e.example'\n```"),
        ("> ```mermaid\n> a@{ img: 'u' }", "> ```text\n> a@{ img: 'u' }"),
        ("```mermaid\nA[x<br/>y] & B --> C\nstyle A fill:#fff\n```",) * 2,
        ("```mermaid\nclassDef a background:\\75rl(x)\n```", "```text\nclassDef a background:\\75rl(x)\n```"),
        ("pay \u202e005$\u202c", "pay ⟪U+202E⟫005\\$⟪U+202C⟫"),
        ("```\nif a: \u2066return\u2069\n```", "```\nif a: ⟪U+2066⟫return⟪U+2069⟫\n```"),
        ("عربي \u200f(1) و \u200c👩\u200d💻",) * 2,
    ],
)
def test_an_answer_is_shown_without_loading_anything(text: str, shown: str) -> None:
    assert answer(text) == shown


def test_a_name_is_shown_as_it_is() -> None:
    assert literal("a_b [x](y) :red[z] $1") == r"a\_b \[x\]\(y\) \:red\[z\] \$1"
    assert literal("x\u202ey") == r"x⟪U\+202E⟫y"
    assert visible("[x]") == "[x]"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a ` b\n\n![x](u)\n\nc ` d", "a ` b\n\n[x](u)\n\nc ` d"),
        ("\\`![x](u)`", "\\`[x](u)`"),
        ("`\n`![x](u)` `", "`\n`!~[x](u)` `"),
        ("a <b c='`'> ![x](u) `", "a &lt;b c='`'> !~[x](u) `"),
        ("$`$ ![x](u) `", "$`$ [x](u) `"),
        (":red[`] ![x](u) `", "\\:red[`] !~[x](u) `"),
        ("https://e.example/` ![x](u) `", "https://e.example/` !~[x](u) `"),
        ("`a | ![x](u)`\n--|--", "`a | !~[x](u)`\n--|--"),
        ("```a`b\n![x](u)", "```a`b\n[x](u)"),
        ("> ```\n\n![x](u)\n\n```", "> ```\n\n[x](u)\n\n```"),
        ("- a\n  ```\n![x](u)\n  ```", "- a\n  ```\n!~[x](u)\n  ```"),
        ("- a\n  ```\n     ```\n  ![x](u)\n  ```", "- a\n  ```\n     ```\n  !~[x](u)\n  ```"),
        ("```\na\n```~\nb\n```\n![x](u)\n```", "```\na\n```~\nb\n```\n[x](u)\n```"),
        ("```\r```\r![x](u)", "```\n```\n[x](u)"),
    ],
)
def test_what_only_looks_like_code_hides_no_image(text: str, shown: str) -> None:
    assert answer(text) == shown.replace("~[", "\u2060[")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<!--\n```\n-->", "&lt;!--\n```\n-->"),
        ("<pre>\n```\n</pre>", "&lt;pre>\n```\n</pre>"),
        ("$$\n```\n$$", "\\$\\$\n```\n$$"),
        ("$$\na\nb $$ c\n```\n$$", "\n$$\na\nb\n$$\n c\n```\n$$"),
        ("- $$\n  a\nb\n$$\n```\n$$", "- \n$$\na\nb\n$$\n\n```\n$$"),
        ("\\[ $$ \\]\n```\n$$", "\n$$\n\\$\\$\n$$\n\n```\n$$"),
        (":::note\n```\n:::", "\\:::note\n```\n:::"),
    ],
)
def test_a_fence_is_one_for_markdown_too_since_nothing_open_before_it_is_left(text: str, shown: str) -> None:
    code = "\n![x](u)\n```"
    assert answer(text + code) == shown + code
