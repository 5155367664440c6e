"""A generated log: what the usage page shows before there is a log of one's own, and what the benchmarks measure.

The same rows each time, but for their dates, which end at `until`. It is made in SQL, so that ten million rows take
seconds. No row of it ever gets into the user's log: see `sample_log`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from core.store.connection import Cursor, Database, to_db

ATTEMPTS = 6_000
DAYS = 180
_TURNS = 12  # of a conversation

# Names that are plainly made up. Weight, milliseconds to the first token, tokens per second, USD per million tokens of
# input, output, reading the cache and writing to it: NULL is a price that nobody entered.
_MODELS = """
    (0, 'sample-north', 'Sample North', 'anthropic', 'north-large', 'North Large', 900, 62, 3, 15, 0.3, 3.75),
    (1, 'sample-north', 'Sample North', 'anthropic', 'north-large', 'North Large', 900, 62, 3, 15, 0.3, 3.75),
    (2, 'sample-north', 'Sample North', 'anthropic', 'north-small', 'North Small', 380, 130, 0.8, 4, 0.08, 1),
    (3, 'sample-north', 'Sample North', 'anthropic', 'north-small', 'North Small', 380, 130, 0.8, 4, 0.08, 1),
    (4, 'sample-east', 'Sample East', 'openai', 'east-pro', 'East Pro', 650, 88, 1.25, 10, 0.125, NULL),
    (5, 'sample-east', 'Sample East', 'openai', 'east-pro', 'East Pro', 650, 88, 1.25, 10, 0.125, NULL),
    (6, 'sample-east', 'Sample East', 'openai', 'east-mini', 'East Mini', 290, 160, 0.25, 2, 0.025, NULL),
    (7, 'sample-east', 'Sample East', 'openai', 'east-new', 'East New', 1400, 45, NULL, NULL, NULL, NULL),
    (8, 'sample-home', 'Sample Home', 'openai', 'home-14b', 'Home 14B', 210, 38, 0, 0, 0, 0),
    (9, 'sample-home', 'Sample Home', 'openai', 'home-14b', 'Home 14B', 210, 38, 0, 0, 0, 0)
"""
# People write by day and less at weekends: an hour is drawn from these.
_HOURS = [7, 8, 8, 9, 9, 9, *[10] * 4, 11, 11, 11, 12, 12, 13, 13, *[14] * 3, *[15] * 3, 16, 16, 17, 17, 18, 20, 21]
_SUBJECTS = ["tides", "bread", "a parser", "old maps", "a budget", "bees", "a bridge"]
_KINDS = ["a talk about ", "questions on ", "a draft on ", "code for "]

_ATTEMPTS = f"""
INSERT INTO attempts (
    id, turn_id, reply_id, conversation_id, project_id, attempt_number, provider_id, provider_name, protocol,
    model_requested, model_served, model_name, route_reason, status, http_status, error_kind, error_message,
    finish_reason, raw_finish_reason, input_tokens, output_tokens, reasoning_tokens, cache_read_tokens,
    cache_write_tokens, tokens_are_estimated, price_input, price_output, price_cache_read, price_cache_write,
    price_source, price_as_of, cost_usd, cost_source, ttft_ms, latency_ms, request_id, started_at, finished_at
)
WITH models (
    place, provider_id, provider_name, protocol, model_id, model_name, first_ms, per_s,
    price_input, price_output, price_cache_read, price_cache_write
) AS (VALUES {_MODELS}),
-- Every fiftieth request is the second try of the one before it, which failed.
drawn AS (
    SELECT
        number, number - CAST(number % 50 = 49 AS BIGINT) AS turn, number % 50 = 49 AS is_retry,
        number % 50 = 48 AS is_retried,
        hash(number, 1) % 1000 / 1000 AS chance, hash(number, 2) % 1000 / 1000 AS size,
        (hash(number, 3) % 1000 + hash(number, 4) % 1000 + hash(number, 5) % 1000) / 500 - 3 AS spread
    FROM range($attempts) AS numbers (number)
),
timed AS (
    SELECT
        *, turn // {_TURNS} AS conversation,
        CAST(hash(turn // {_TURNS}, 6) % 10 AS INTEGER) AS place,
        -- The oldest days have fewer messages: a log grows.
        CAST($until AS TIMESTAMP)
            - to_days(1 + CAST(floor($days * (1 - sqrt((turn + 1) / ($attempts + 1)))) AS INTEGER)) AS day
    FROM drawn
),
placed AS (
    SELECT
        *,
        CASE WHEN dayofweek(day) IN (0, 6) AND chance < 0.7 THEN day - to_days(2) ELSE day END AS worked
    FROM timed
),
made AS (
    SELECT
        *,
        CAST(date_trunc('day', worked) AS TIMESTAMP)
            + to_hours({_HOURS}[1 + CAST(hash(turn, 7) % {len(_HOURS)} AS INTEGER)])
            + to_milliseconds(hash(turn, 8) % 3600000 + CASE WHEN is_retry THEN 2500 ELSE 0 END) AS began,
        CASE
            WHEN is_retried OR (NOT is_retry AND chance < 0.012) THEN 'failed'
            WHEN chance < 0.02 THEN 'interrupted'
            WHEN chance < 0.04 THEN 'stopped'
            ELSE 'done'
        END AS status
    FROM placed
),
told AS (
    SELECT
        *,
        CASE WHEN status <> 'failed' THEN CAST(400 + 30000 * size * size * size AS BIGINT) END AS asked,
        CASE WHEN status <> 'failed' THEN CAST(20 + 1800 * size * chance AS BIGINT) END AS written
    FROM made
),
counted AS (
    SELECT
        told.*, models.* EXCLUDE (place),
        CASE
            WHEN protocol = 'anthropic' OR asked > 1024 THEN CAST(asked * (0.3 + 0.6 * chance) AS BIGINT)
        END AS cached,
        CASE WHEN protocol = 'anthropic' THEN CAST(asked * 0.05 AS BIGINT) END AS kept,
        CASE WHEN status <> 'failed' THEN CAST(first_ms * exp(0.45 * spread) AS BIGINT) END AS waited_ms
    FROM told
    JOIN models USING (place)
)
SELECT
    md5('attempt ' || number)[:26], md5('turn ' || turn)[:26], md5('reply ' || turn)[:26],
    md5('conversation ' || conversation)[:26], ['default', 'sample-thesis', 'sample-garden'][1 + conversation % 3],
    CASE WHEN is_retry THEN 2 ELSE 1 END, provider_id, provider_name, protocol, model_id,
    CASE WHEN status = 'done' THEN model_id END, model_name, 'sample data', status,
    CASE WHEN status = 'failed' THEN [429, 503, 401][1 + number % 3] WHEN status = 'done' THEN 200 END,
    CASE
        WHEN status = 'failed' THEN ['rate_limit', 'overloaded', 'auth'][1 + number % 3]
        WHEN status = 'interrupted' THEN 'interrupted'
    END,
    CASE WHEN status IN ('failed', 'interrupted') THEN 'A sample of an error.' END,
    CASE WHEN status = 'done' THEN 'stop' END, CASE WHEN status = 'done' THEN 'stop' END,
    asked, written, CASE WHEN place IN (0, 1, 4, 5) THEN written // 3 END, cached, kept,
    status = 'stopped', price_input, price_output, price_cache_read, price_cache_write,
    CASE WHEN price_input IS NOT NULL THEN 'made up' END, NULL,
    CASE
        WHEN status = 'failed' THEN 0
        ELSE ((asked - coalesce(cached, 0) - coalesce(kept, 0)) * price_input + written * price_output
            + coalesce(cached, 0) * price_cache_read + coalesce(kept, 0) * coalesce(price_cache_write, 0)) / 1000000
    END,
    CASE
        WHEN status = 'failed' THEN 'not_billed' WHEN price_input IS NULL THEN 'unpriced'
        WHEN price_input = 0 THEN 'free' ELSE 'priced'
    END,
    waited_ms, coalesce(waited_ms + 1000 * written // per_s, 40 + number % 900),
    CASE WHEN status = 'done' THEN md5('request ' || number)[:20] END, began,
    began + to_milliseconds(coalesce(waited_ms + 1000 * written // per_s, 40 + number % 900))
FROM counted
ORDER BY began
"""
_CONVERSATIONS = f"""
INSERT INTO conversations (id, project_id, title, is_pinned, created_at, updated_at)
SELECT
    conversation_id, min(project_id),
    'Sample: '
        || {_KINDS}[1 + CAST(hash(conversation_id) % 4 AS INTEGER)]
        || {_SUBJECTS}[1 + CAST(hash(conversation_id, 1) % 7 AS INTEGER)],
    false, min(started_at), max(finished_at)
FROM attempts
GROUP BY conversation_id
"""


def fill(cursor: Cursor, attempts: int, *, days: int, until: datetime) -> None:
    """Put made-up attempts, and the conversations they belong to, into an empty log."""
    columns = {"attempts": attempts, "days": days, "until": to_db(until)}
    cursor.execute(_ATTEMPTS, columns)
    cursor.execute(_CONVERSATIONS)


@contextmanager
def sample_log(*, until: datetime) -> Iterator[Database]:
    """Give a log of its own in a temporary folder, filled with sample data; both are gone afterwards."""
    with TemporaryDirectory(prefix="switchboard-sample-") as folder:
        database = Database(Path(folder) / "sample.duckdb", migrations="log")
        try:
            database.write(lambda cursor: fill(cursor, ATTEMPTS, days=DAYS, until=until))
            yield database
        finally:
            database.close()
