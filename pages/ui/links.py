"""Where the pages lie, for links between them: absolute, since the entrypoint differs between the ways to start."""

from pathlib import Path

PAGES = Path(__file__).resolve().parents[1]
CHAT = PAGES / "chat.py"
PROVIDERS = PAGES / "providers.py"
PROJECTS = PAGES / "projects.py"
USAGE = PAGES / "usage.py"
DATA = PAGES / "data.py"
LOG = PAGES / "log.py"
SQL = PAGES / "sql.py"
SIGN_OUT = PAGES / "sign_out.py"
ABOUT = PAGES / "ui" / "about.md"
LOOK = PAGES / "ui" / "look.css"
MAIN = PAGES / "app" / "main.py"
