"""The README's pictures can still be made, each from a page that has opened."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser.conftest import CHROMIUM
from tests.running_app import ROOT


@pytest.mark.skipif(not CHROMIUM.exists() and not os.environ.get("CI"), reason=f"no Chromium at {CHROMIUM}")
def test_the_script_makes_every_picture_of_the_readme(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "docs.screenshot", str(tmp_path)]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    named = set(re.findall(r"docs/([\w-]+\.png)", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert {path.name for path in tmp_path.iterdir()} == named
    assert all(path.stat().st_size > 10_000 for path in tmp_path.iterdir())
