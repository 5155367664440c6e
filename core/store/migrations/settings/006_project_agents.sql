-- What agents may do in a project. A project without a row has the defaults, and its folder is made when it is needed.
CREATE TABLE project_agents (
    project_id TEXT PRIMARY KEY,
    folder TEXT,                            -- NULL: its own under the data folder
    has_web BOOLEAN NOT NULL,
    has_sub_agents BOOLEAN NOT NULL,
    is_read_only BOOLEAN NOT NULL,
    always_allowed TEXT[] NOT NULL,         -- tools that need not ask any more
    max_steps INTEGER NOT NULL,             -- of one turn
    max_minutes INTEGER NOT NULL,           -- of one turn
    max_cost_usd DECIMAL(18, 9),            -- of one turn; NULL: no limit
    max_cost_a_day_usd DECIMAL(18, 9)       -- of the project in a day (UTC); NULL: no limit
);
