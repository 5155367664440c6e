"""Search over all messages: the app's own, next to a bare scan for the same words. Aim: half a second for 1M messages.

The messages are generated in a temporary folder, about 200 bytes each.

    python -m benchmarks.search [messages] [rounds]
"""

import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.apps import print_table
from core.store import Store
from core.store.connection import Cursor, to_db

MESSAGES = 1_000_000
ROUNDS = 7
_WORDS = [
    *("the", "of", "and", "to", "in", "is", "that", "for", "it", "was", "on", "with", "as", "be", "by", "at", "this"),
    *("have", "from", "or", "had", "not", "are", "but", "what", "all", "were", "when", "we", "there", "can", "an"),
    *("river", "garden", "table", "window", "paper", "letter", "number", "people", "water", "sentence", "Größe"),
]
_RARE = "aurora borealis"
_BARE = "SELECT count(*) FROM messages WHERE text ILIKE ?"


def fill(cursor: Cursor, messages: int, *, until: datetime) -> None:
    """Put conversations of a hundred messages into an empty log; one message in 50,000 has the rare words."""
    cursor.execute(
        """
        INSERT INTO conversations (id, project_id, title, is_pinned, created_at, updated_at)
        SELECT 'c' || number, 'default', 'Conversation ' || number, false, $until, $until
        FROM range(1 + $messages // 100) AS numbers (number)""",
        {"messages": messages, "until": to_db(until)},
    )
    cursor.execute(
        """
        INSERT INTO messages (id, conversation_id, sequence, role, status, text, reasoning, created_at)
        SELECT
            md5('message ' || number)[:26], 'c' || (number // 100), number % 100,
            CASE WHEN number % 2 = 0 THEN 'user' ELSE 'assistant' END, 'done',
            array_to_string(
                [$words[1 + CAST(hash(number, place) % len($words) AS INTEGER)] FOR place IN range(36)], ' '
            ) || CASE WHEN number % 50000 = 7 THEN ' Aurora Borealis' ELSE '' END,
            '', CAST($until AS TIMESTAMP) - to_seconds($messages - number)
        FROM range($messages) AS numbers (number)""",
        {"messages": messages, "until": to_db(until), "words": _WORDS},
    )


def main(messages: int = MESSAGES, rounds: int = ROUNDS) -> None:
    with TemporaryDirectory(prefix="switchboard-benchmark-") as folder:
        store = Store(Path(folder) / "data")
        try:
            began = time.perf_counter()
            store.log.write(lambda cursor: fill(cursor, messages, until=datetime.now(UTC)))
            with store.log.read() as cursor:
                cursor.execute("CHECKPOINT")
            size_mb = store.log.path.stat().st_size / 1e6
            print(f"{messages:,} messages made in {time.perf_counter() - began:.1f} s; {size_mb:,.0f} MB on disk")
            _measure(store, rounds)
        finally:
            store.close()
    print(f"Load of the machine: {', '.join(f'{load:.1f}' for load in os.getloadavg())}")


def _measure(store: Store, rounds: int) -> None:
    asked = {
        "rare words": _RARE,
        "a word in most messages": "river",
        "two letters": "th",
        "beyond ASCII": "größe",
        "nowhere": "xylophone",
        "a percent sign": "100%",
    }

    def bare(words: str) -> None:
        with store.log.read() as cursor:
            cursor.execute(_BARE, [f"%{words}%"]).fetchall()

    rows: list[tuple[str, list[str]]] = []
    for name, words in asked.items():
        ours_ms, bare_ms = [], []
        for _ in range(rounds):
            ours_ms.append(_took_ms(store.conversations.search, words))
            bare_ms.append(_took_ms(bare, words))
        found = len(store.conversations.search(words))
        ratio = median(ours_ms) / median(bare_ms)
        rows.append((name, [f"{median(ours_ms):.0f}", f"{median(bare_ms):.0f}", f"{ratio:.2f}", str(found)]))
    print_table(f"Search, ms (median of {rounds})", ("search", "scan alone", "ratio", "found"), rows)


def _took_ms(work: Callable[[str], object], words: str) -> float:
    began = time.perf_counter()
    work(words)
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
