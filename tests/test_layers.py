"""The layers of the house, held by reading every import: who may know what, and what costs time at start."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Package -> the only places that may import it; a trailing slash is a folder.
HOMES = {
    "streamlit": ("streamlit_app.py", "pages/"),
    "duckdb": ("core/store/", "core/usage/"),
    "cryptography": ("core/encryption.py",),
    "openai": ("core/runners/openai_chat.py",),
    "anthropic": ("core/runners/anthropic_messages.py",),
    "claude_agent_sdk": (
        "core/runners/claude_agent.py",
        "core/runners/agent_messages.py",
        "core/runners/agent_permissions.py",
    ),
    "httpx2": ("core/runners/",),
}
OURS = ("core", "pages", "streamlit_app", "tests", "benchmarks")
# Module -> the modules of ours that it may import.
ALLOWED = {
    "core/types/offers.py": (),
    "core/types/routes.py": ("core.types.offers",),
    "core/types/records.py": ("core.types.offers", "core.types.routes"),
    "core/errors.py": (),
    "core/events.py": ("core.types",),
}
# Costly or foreign to core: loaded by the runner that needs them, when it is needed.
LAZY = ("openai", "anthropic", "claude_agent_sdk", "streamlit")
SDK_RUNNERS = ("core.runners.openai_chat", "core.runners.anthropic_messages", "core.runners.claude_agent")


def _sources() -> list[str]:
    files = [ROOT / "streamlit_app.py", *(ROOT / "core").rglob("*.py"), *(ROOT / "pages").rglob("*.py")]
    return sorted(path.relative_to(ROOT).as_posix() for path in files if path.exists())


@cache
def _tree(source: str) -> ast.Module:
    return ast.parse((ROOT / source).read_text(encoding="utf-8"), source)


def _imports(source: str) -> Iterator[str]:
    """Every module a file imports, at any depth; `from a import b` counts as a.b, which covers a too."""
    for node in ast.walk(_tree(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source}:{node.lineno}: imports are absolute, from the root"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _is_in(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def _is_home(source: str, homes: tuple[str, ...]) -> bool:
    return any(source.startswith(home) if home.endswith("/") else source == home for home in homes)


@pytest.mark.parametrize("package", HOMES)
def test_a_package_is_imported_only_where_it_lives(package: str) -> None:
    strangers = [
        source
        for source in _sources()
        if not _is_home(source, HOMES[package]) and any(_is_in(name, package) for name in _imports(source))
    ]
    assert not strangers, f"{package} belongs in {', '.join(HOMES[package])}"


def test_core_never_imports_pages() -> None:
    cores = [source for source in _sources() if source.startswith("core/")]
    assert cores
    assert not [
        source
        for source in cores
        if any(_is_in(name, "pages") or _is_in(name, "streamlit_app") for name in _imports(source))
    ]


@pytest.mark.parametrize("source", ALLOWED)
def test_the_nouns_import_nothing_else_of_ours(source: str) -> None:
    ours = {name for name in _imports(source) if any(_is_in(name, package) for package in OURS)}
    assert not {name for name in ours if not any(_is_in(name, allowed) for allowed in ALLOWED[source])}


def test_session_state_is_named_in_one_file_only() -> None:
    assert [source for source in _sources() if "session_state" in _names(source)] in ([], ["pages/ui/session.py"])


def test_nothing_lets_html_through() -> None:
    assert not [source for source in _sources() if "unsafe_allow_html" in _names(source)]


def _names(source: str) -> set[str]:
    """Every name, attribute and keyword argument of a file, and every string that is one word, as getattr takes it."""
    found: set[str] = set()
    for node in ast.walk(_tree(source)):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.keyword(arg=str(name)):
                found.add(name)
            case ast.Constant(value=str(text)) if text.isidentifier():
                found.add(text)
            case _:
                pass
    return found


def test_sql_lives_in_the_store_and_in_usage_only() -> None:
    homes = ("core/store/", "core/usage/")
    starts = ("SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "WITH ", "SELECT\n", "UPDATE\n")
    strangers = {
        f"{source}:{node.lineno}"
        for source in _sources()
        if not _is_home(source, homes)
        for node in ast.walk(_tree(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.lstrip().startswith(starts)
    }
    assert not strangers


def test_no_core_module_loads_an_sdk_but_the_runner_itself() -> None:
    modules = [
        source.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        for source in _sources()
        if source.startswith("core/")
    ]
    quick = [module for module in modules if module not in SDK_RUNNERS]
    program = (
        "import importlib, json, sys\n"
        f"for module in {quick!r}:\n"
        "    importlib.import_module(module)\n"
        f"    loaded = [name for name in {LAZY!r} if name in sys.modules]\n"
        "    if loaded:\n"
        "        print(json.dumps([module, loaded]))\n"
        "        break\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stdout, "module and what it loaded: " + str(json.loads(done.stdout))
