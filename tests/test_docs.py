"""The documents against what is built: an undocumented setting or column, a dead link or a broken query fails."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from core.catalog import load_catalog
from core.config import SETTINGS
from core.errors import ErrorKind
from core.runners import RUNNERS
from core.store import Store
from core.types import CostSource, FinishReason, Status
from docs.providers_page import page

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = ("README.md", "docs/architecture.md", "docs/deploy.md", "docs/log.md", "docs/providers.md")
# Where the files lie that a document may name; what the app makes by itself is not among them.
FOLDERS = ("core", "pages", "tests", "docs", "benchmarks", ".streamlit", ".ci")
NAMED_FILE = re.compile(r"[\w./-]+\.(?:py|md|toml|txt|sql|png|svg|example)")


@cache
def read(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def rows(document: str, heading: str) -> list[list[str]]:
    """Return the cells of the table whose first column has this heading."""
    lines = read(document).splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    found: list[list[str]] = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return found


def code(text: str) -> str:
    return f"`{text}`"


def test_the_settings_table_is_the_settings() -> None:
    described = [
        [code(setting.name), code(setting.variable), code(setting.default) if setting.default else "–", setting.help]
        for setting in SETTINGS
    ]
    assert rows("README.md", "Setting") == described


def test_every_variable_a_key_may_come_from_is_named() -> None:
    variables = {variable for provider in load_catalog().providers for variable in provider.key_variables}
    assert not [variable for variable in variables if code(variable) not in read("README.md")]


def test_every_built_in_provider_is_named() -> None:
    text = read("README.md").lower()
    assert not [provider.name for provider in load_catalog().providers if provider.name.lower() not in text]


def test_every_column_of_the_log_is_described_in_order_with_its_type(store: Store) -> None:
    with store.log.read() as cursor:
        columns = cursor.execute(
            """
            SELECT column_name, data_type, is_nullable
            FROM information_schema.columns
            WHERE table_name = 'attempts'
            ORDER BY ordinal_position"""
        ).fetchall()
    described = rows("docs/log.md", "Column")
    assert [row[:2] for row in described] == [[code(name), kind] for name, kind, _ in columns]
    assert [row[3] == "never" for row in described] == [nullable == "NO" for _, _, nullable in columns]
    assert not [row[0] for row in described if not row[2]]


def test_every_column_of_the_view_of_replies_is_described_in_order_with_its_type(store: Store) -> None:
    with store.log.read() as cursor:
        columns = cursor.execute("SELECT column_name, column_type FROM (DESCRIBE replies)").fetchall()
    described = rows("docs/log.md", "In `replies`")
    assert [row[:2] for row in described] == [[code(name), kind] for name, kind in columns]
    assert not [row[0] for row in described if not row[2] or not row[3]]


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("protocol", list(RUNNERS)),
        ("status", [status for status in Status if status is not Status.STREAMING]),
        ("finish_reason", list(FinishReason)),
        ("cost_source", list(CostSource)),
    ],
)
def test_every_word_of_a_column_is_described(column: str, words: list[str]) -> None:
    meaning = next(row[2] for row in rows("docs/log.md", "Column") if row[0] == code(column))
    assert not [word for word in words if code(word) not in meaning]


def test_the_kinds_of_error_that_are_given_as_examples_exist() -> None:
    meaning = next(row[2] for row in rows("docs/log.md", "Column") if row[0] == "`error_kind`")
    assert set(re.findall(r"`([a-z_]+)`", meaning)) <= {kind.value for kind in ErrorKind}


def test_every_way_a_cost_is_found_is_described() -> None:
    assert {row[0] for row in rows("docs/log.md", "Source")} == {code(source) for source in CostSource}


def test_the_page_of_providers_is_made_from_the_tables_that_are_tested() -> None:
    assert read("docs/providers.md") == page(), "run python -m docs.providers_page"


def queries() -> Iterator[str]:
    for document in DOCUMENTS:
        yield from re.findall(r"```sql\n(.*?)```", read(document), flags=re.DOTALL)


@pytest.mark.parametrize("query", list(queries()))
def test_every_query_runs_on_the_real_schema(query: str, store: Store) -> None:
    with store.log.read() as cursor:
        assert cursor.execute(query).fetchall() == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_relative_link_leads_somewhere(document: str) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", read(document))
    local = [target.partition("#")[0] for target in targets if "://" not in target]
    assert not [target for target in local if not ((ROOT / document).parent / target).exists()]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_that_is_named_exists(document: str) -> None:
    known = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*")]
    names = {path.name for path in [*ROOT.iterdir(), *known]}
    named = {text for text in re.findall(r"`([^`\n]+)`", read(document)) if NAMED_FILE.fullmatch(text)}
    folders = {text for text in re.findall(r"`([\w./-]+/)`", read(document)) if text.split("/")[0] in FOLDERS}
    lost = [name for name in named if not ((ROOT / name).exists() if "/" in name else name in names)]
    assert not lost + [folder for folder in folders if not (ROOT / folder).is_dir()]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_make_target_that_is_named_exists(document: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert set(re.findall(r"(?:`|^)make ([a-z]+)", read(document), flags=re.MULTILINE)) <= targets


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_dotted_name_of_ours_can_be_found(document: str) -> None:
    """A name such as core.config.SETTINGS: the module exists and has it."""
    for name in re.findall(r"`(core(?:\.\w+)+)`", read(document)):
        folder, _, last = name.rpartition(".")
        place = ROOT / Path(*folder.split("."))
        source = place.with_suffix(".py") if place.with_suffix(".py").exists() else place / "__init__.py"
        is_module = (place / f"{last}.py").exists() or (place / last).is_dir()
        assert is_module or re.search(rf"\b{last}\b", source.read_text(encoding="utf-8")), name
