-- One row for each reply, with its question and the attempt that ended it: everything people ask for without a join.
CREATE VIEW replies AS
WITH retried AS (
    SELECT
        reply_id, max(attempt_number) AS attempts, CAST(sum(cost_usd) AS DECIMAL(18, 9)) AS cost_usd,
        count(*) FILTER (cost_usd IS NULL) AS unpriced
    FROM attempts
    WHERE reply_id IN (SELECT reply_id FROM attempts WHERE attempt_number > 1)
    GROUP BY reply_id
)
SELECT
    reply.id AS reply_id,
    reply.conversation_id,
    conversations.title AS conversation,
    conversations.project_id,
    question.text AS question,
    reply.text AS answer,
    reply.provider_id,
    reply.provider_name AS provider,
    ended.protocol,
    reply.model_id,
    reply.model_name AS model,
    ended.model_served,
    reply.route_reason,
    reply.status,
    reply.finish_reason,
    reply.error_kind,
    reply.error_message,
    ended.http_status,
    coalesce(retried.attempts, CAST(ended.id IS NOT NULL AS INTEGER)) AS attempts,
    ended.input_tokens,
    ended.output_tokens,
    ended.reasoning_tokens,
    ended.cache_read_tokens,
    ended.cache_write_tokens,
    ended.tokens_are_estimated,
    CASE
        WHEN retried.reply_id IS NULL THEN ended.cost_usd
        WHEN retried.unpriced = 0 THEN retried.cost_usd
    END AS cost_usd,
    ended.cost_source,
    ended.ttft_ms,
    ended.latency_ms,
    coalesce(ended.started_at, reply.created_at) AS started_at,
    coalesce(ended.finished_at, reply.finished_at) AS finished_at
FROM messages AS reply
LEFT JOIN conversations ON conversations.id = reply.conversation_id
LEFT JOIN messages AS question ON question.id = reply.parent_id
LEFT JOIN retried ON retried.reply_id = reply.id
LEFT JOIN attempts AS ended ON ended.reply_id = reply.id AND ended.attempt_number = coalesce(retried.attempts, 1)
WHERE reply.role = 'assistant';
