"""What stands around every page."""

from core.workbench import Workbench
from tests.pages.conftest import OpenPage


def test_a_page_whose_data_cannot_be_read_says_so_instead_of_breaking(
    open_page: OpenPage, workbench: Workbench
) -> None:
    app = open_page("projects")
    workbench.store.settings.close()
    app.run()
    assert not app.exception
    assert "settings.duckdb could not be read" in app.error[0].value.replace("\\", "")
