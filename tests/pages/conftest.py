"""The pages over a data folder of their own. AppTest shares cached resources: each test makes its own Workbench."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.catalog import load_catalog
from core.config import SETTINGS
from core.workbench import Workbench
from pages.ui.enter import _workbench, close_workbench
from pages.ui.session import Session

MAIN = Path(__file__).resolve().parents[2] / "pages" / "app" / "main.py"
WAIT_S = 20.0

OpenPage = Callable[..., AppTest]


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seeded_folder: Path) -> Iterator[Path]:
    """The data folder of this test, as a first start leaves it, and no key of the machine's own."""
    for provider in load_catalog().providers:
        for variable in provider.key_variables:
            monkeypatch.delenv(variable, raising=False)
    for setting in SETTINGS:
        monkeypatch.delenv(setting.variable, raising=False)
    monkeypatch.setattr("pages.ui.enter.admits_tab", lambda: True)  # AppTest has no headers to judge by
    folder = shutil.copytree(seeded_folder, tmp_path / "data")
    monkeypatch.setenv("SWITCHBOARD_DATA_DIR", str(folder))
    close_workbench()
    yield folder
    close_workbench()


@pytest.fixture
def workbench(data_dir: Path) -> Workbench:
    """The Workbench that the pages of this test use."""
    made: Workbench = _workbench()
    return made


@pytest.fixture
def open_page(data_dir: Path) -> OpenPage:
    """`open_page("providers", provider_id="glm")` visits a page with a session that remembers these fields."""

    def visit(name: str, **remembered: object) -> AppTest:
        app = AppTest.from_file(str(MAIN), default_timeout=WAIT_S)
        app.secrets["app"] = {}  # not the secrets of whoever runs the tests
        app.session_state["switchboard"] = Session(**remembered)  # type: ignore[arg-type]
        app.run()
        app.switch_page(f"../{name}.py").run()
        assert not app.exception
        return app

    return visit
