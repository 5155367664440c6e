"""Answers that are longer than a browser can take at once."""

from streamlit.testing.v1 import AppTest

from pages.ui.blocks import split
from pages.ui.long_text import PARTS

PARAGRAPH = "word " * 400 + "\n\n"  # 2 kB


def draw(count: int) -> AppTest:
    def page() -> None:
        import streamlit as st

        from pages.ui.long_text import draw_text

        paragraph = "word " * 400 + "\n\n"
        draw_text(paragraph * int(st.query_params["count"]) + "The end.", key="r")

    app = AppTest.from_function(page)
    app.query_params["count"] = str(count)
    return app.run()


def test_an_answer_of_usual_length_is_shown_whole() -> None:
    app = draw(150)  # 300 kB
    assert not app.button
    assert " ".join(block.value for block in app.markdown).count("word") == 150 * 400


def test_of_a_very_long_answer_the_end_is_shown_and_the_rest_on_request() -> None:
    blocks, tail = split(PARAGRAPH * 500 + "The end.")
    app = draw(500)  # 1 MB
    [button] = app.button
    hidden = (len(blocks) // PARTS - 1) * PARTS
    assert button.label == f"Show what is earlier ({hidden} of {len(blocks) + 1} parts)"
    assert [element.value for element in app.markdown] == [block.strip() for block in [*blocks[hidden:], tail]]
    while app.button:
        app.button[0].click().run()
    assert [element.value for element in app.markdown] == [block.strip() for block in [*blocks, tail]]
