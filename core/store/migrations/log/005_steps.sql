-- The steps of agents, and what lets a conversation go on as one.
CREATE TABLE steps (
    id TEXT NOT NULL,                       -- the call's own, unique in its reply
    reply_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    tool TEXT NOT NULL,
    input_json TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('running', 'done', 'failed', 'denied', 'stopped')),
    started_at TIMESTAMP NOT NULL,
    text_offset INTEGER NOT NULL,           -- characters of the reply's text that stood before it
    parent_id TEXT,                         -- the step whose sub-agent took this one
    result TEXT NOT NULL,
    path TEXT,                              -- of the file that it changed, in the project's folder
    diff TEXT,
    duration_ms BIGINT,                     -- of the tool, without the waiting for a permission
    decision TEXT CHECK (decision IN ('once', 'always', 'deny', 'timed_out')),  -- NULL: nobody was asked
    input_tokens BIGINT,                    -- of the request that asked for it; its other steps carry none
    output_tokens BIGINT,
    cost_usd DECIMAL(18, 9),                -- of these tokens; NULL: unknown
    PRIMARY KEY (reply_id, id)
);
ALTER TABLE messages ADD COLUMN session_id TEXT;
ALTER TABLE conversations ADD COLUMN is_agent BOOLEAN DEFAULT FALSE;
