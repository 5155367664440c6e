"""The queries that come with the SQL page, by name. Times in the log are UTC, and so is the month here."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Preset:
    """A built-in query. `name` stands in links: never change one."""

    name: str
    title: str
    text: str

    @property
    def sql(self) -> str:
        return self.text.strip()


EXAMPLE = "SELECT model, count(*) AS replies, sum(cost_usd) AS cost_usd\nFROM replies\nGROUP BY ALL"
_MONTH = "started_at >= date_trunc('month', current_date)"

PRESETS = (
    Preset(
        "cost-by-model",
        "Cost by model this month",
        f"""
SELECT
    provider_name AS provider, model_name AS model, count(*) AS attempts, sum(cost_usd) AS cost_usd,
    count(*) FILTER (cost_usd IS NULL) AS unpriced
FROM attempts
WHERE {_MONTH}
GROUP BY ALL
ORDER BY cost_usd DESC NULLS LAST""",
    ),
    Preset(
        "cost-by-day",
        "Cost by day and provider, last 30 days",
        """
SELECT CAST(started_at AS DATE) AS day, provider_name AS provider, sum(cost_usd) AS cost_usd
FROM attempts
WHERE started_at >= current_date - 29
GROUP BY ALL
ORDER BY day, provider""",
    ),
    Preset(
        "slowest-by-provider",
        "Slowest providers: p50 and p95",
        """
SELECT
    provider_name AS provider, count(*) AS done,
    round(quantile_cont(ttft_ms, 0.5)) AS ttft_p50_ms, round(quantile_cont(ttft_ms, 0.95)) AS ttft_p95_ms,
    round(quantile_cont(latency_ms, 0.5)) AS latency_p50_ms, round(quantile_cont(latency_ms, 0.95)) AS latency_p95_ms
FROM attempts
WHERE status = 'done'
GROUP BY provider_name
ORDER BY latency_p95_ms DESC NULLS LAST""",
    ),
    Preset(
        "cost-by-conversation",
        "Dearest conversations",
        """
SELECT
    conversations.title AS conversation, count(*) AS attempts, sum(cost_usd) AS cost_usd,
    sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens, max(started_at) AS last_message
FROM attempts
LEFT JOIN conversations ON conversations.id = attempts.conversation_id
GROUP BY attempts.conversation_id, conversations.title
ORDER BY cost_usd DESC NULLS LAST
LIMIT 50""",
    ),
    Preset(
        "errors-by-kind",
        "Errors by kind",
        """
SELECT error_kind, provider_name AS provider, count(*) AS times, max(started_at) AS last_seen,
    arg_max(error_message, started_at) AS last_message
FROM attempts
WHERE status IN ('failed', 'interrupted')
GROUP BY ALL
ORDER BY times DESC""",
    ),
    Preset(
        "speed-by-hour",
        "Tokens per second by hour of day (UTC)",
        """
SELECT
    hour(started_at) AS hour, count(*) AS answers,
    round(1000 * sum(output_tokens) / sum(latency_ms), 1) AS tokens_per_s
FROM attempts
WHERE status = 'done' AND latency_ms > 0 AND output_tokens IS NOT NULL
GROUP BY hour
ORDER BY hour""",
    ),
    Preset(
        "cache-savings",
        "What caching saved this month",
        f"""
SELECT
    provider_name AS provider, model_name AS model, sum(cache_read_tokens) AS cached_tokens,
    round(100 * sum(cache_read_tokens) / sum(input_tokens), 1) AS cached_percent,
    sum(cache_read_tokens * (price_input - price_cache_read)) / 1000000 AS saved_usd,
    sum(
        (coalesce(cache_write_tokens, 0) - coalesce(cache_write_1h_tokens, 0)) * (price_cache_write - price_input)
        + coalesce(cache_write_1h_tokens, 0) * price_input
    ) / 1000000 AS paid_for_writing_usd
FROM attempts
WHERE cache_read_tokens IS NOT NULL AND {_MONTH}
GROUP BY ALL
ORDER BY saved_usd DESC NULLS LAST""",
    ),
    Preset(
        "unpriced-models",
        "Models without a price",
        """
SELECT
    provider_name AS provider, model_requested AS model_id, count(*) AS unpriced,
    sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens, max(started_at) AS last_used
FROM attempts
WHERE cost_source = 'unpriced'
GROUP BY ALL
ORDER BY unpriced DESC""",
    ),
    Preset(
        "expensive-prompts",
        "Dearest answers and their questions",
        """
SELECT cost_usd, model, input_tokens, output_tokens, left(question, 200) AS question, conversation, started_at
FROM replies
WHERE cost_usd > 0
ORDER BY cost_usd DESC
LIMIT 50""",
    ),
    Preset(
        "spend",
        "Spend, and what is missing from it",
        """
SELECT
    sum(cost_usd) AS cost_usd, count(*) FILTER (cost_usd IS NULL) AS unpriced,
    count(*) FILTER (tokens_are_estimated) AS estimated, count(*) AS attempts
FROM attempts""",
    ),
    Preset(
        "served-as-asked",
        "Models that were served under another name",
        """
SELECT provider_name AS provider, model_requested, model_served, count(*) AS times, max(started_at) AS last_seen
FROM attempts
WHERE model_served <> model_requested
GROUP BY ALL
ORDER BY times DESC""",
    ),
    Preset(
        "latency-over-time",
        "First token by day and model: median",
        """
SELECT CAST(started_at AS DATE) AS day, model_name AS model, round(quantile_cont(ttft_ms, 0.5)) AS ttft_p50_ms
FROM attempts
WHERE ttft_ms IS NOT NULL AND started_at >= current_date - 29
GROUP BY ALL
ORDER BY day, model""",
    ),
)


def preset(name: str) -> Preset | None:
    return next((found for found in PRESETS if found.name == name), None)
