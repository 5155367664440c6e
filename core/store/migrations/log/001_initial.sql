-- Conversations, messages and the log of attempts. Times are UTC, durations milliseconds, money USD.
CREATE TABLE conversations (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    title TEXT NOT NULL,
    choice_provider_id TEXT,                -- both NULL: Automatic
    choice_model_id TEXT,
    leaf_id TEXT,                           -- the last message of the branch that is shown
    is_pinned BOOLEAN NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    deleted_at TIMESTAMP                    -- in the trash since
);

CREATE TABLE messages (
    id TEXT PRIMARY KEY,
    conversation_id TEXT NOT NULL,
    parent_id TEXT,                         -- messages are a tree: two with the same parent are siblings
    sequence BIGINT NOT NULL,               -- order of writing inside the conversation
    role TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
    status TEXT NOT NULL CHECK (status IN ('streaming', 'done', 'stopped', 'interrupted', 'failed')),
    text TEXT NOT NULL,
    reasoning TEXT NOT NULL,
    reasoning_ms BIGINT,
    provider_id TEXT,
    provider_name TEXT,
    model_id TEXT,
    model_name TEXT,
    route_reason TEXT,
    finish_reason TEXT,
    error_kind TEXT,
    error_message TEXT,
    error_detail TEXT,
    process TEXT,                           -- the process that streams it
    created_at TIMESTAMP NOT NULL,
    finished_at TIMESTAMP
);
CREATE UNIQUE INDEX one_running_turn ON messages ((CASE WHEN status = 'streaming' THEN conversation_id END));

-- A growing reply: appended twice a second, replaced by the message's own text at the end.
CREATE TABLE reply_chunks (
    reply_id TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    text TEXT NOT NULL,
    reasoning TEXT NOT NULL,
    replaces BOOLEAN NOT NULL               -- stands for everything before it
);

CREATE TABLE attempts (
    id TEXT PRIMARY KEY,
    turn_id TEXT NOT NULL,
    reply_id TEXT,
    conversation_id TEXT,
    project_id TEXT,
    attempt_number INTEGER NOT NULL,
    provider_id TEXT NOT NULL,
    provider_name TEXT NOT NULL,
    protocol TEXT NOT NULL,
    model_requested TEXT NOT NULL,
    model_served TEXT,
    model_name TEXT NOT NULL,
    route_reason TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('done', 'stopped', 'interrupted', 'failed')),
    http_status INTEGER,
    error_kind TEXT,
    error_message TEXT,
    finish_reason TEXT,
    raw_finish_reason TEXT,                 -- the provider's own word
    input_tokens BIGINT,                    -- the whole prompt, cached parts included
    output_tokens BIGINT,                   -- reasoning included
    reasoning_tokens BIGINT,
    cache_read_tokens BIGINT,
    cache_write_tokens BIGINT,
    tokens_are_estimated BOOLEAN NOT NULL,
    price_input DECIMAL(18, 9),             -- USD per million tokens when it was sent
    price_output DECIMAL(18, 9),
    price_cache_read DECIMAL(18, 9),
    price_cache_write DECIMAL(18, 9),
    price_source TEXT,
    price_as_of DATE,
    cost_usd DECIMAL(18, 9),                -- NULL: unknown
    cost_source TEXT NOT NULL CHECK (cost_source IN ('priced', 'reported', 'free', 'not_billed', 'unpriced')),
    ttft_ms BIGINT,                         -- time to the first text or reasoning
    latency_ms BIGINT,                      -- NULL: the process died before the answer ended
    request_id TEXT,
    started_at TIMESTAMP NOT NULL,
    finished_at TIMESTAMP NOT NULL
);
