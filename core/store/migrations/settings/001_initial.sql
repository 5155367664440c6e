-- Providers, models, projects and ciphertexts. No query over the log can reach this file.
CREATE TABLE providers (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,                 -- NFKC and case folded: two names that look alike are one
    protocol TEXT NOT NULL,
    base_url TEXT NOT NULL,
    anthropic_base_url TEXT,
    requires_key BOOLEAN NOT NULL,
    is_enabled BOOLEAN NOT NULL,
    is_builtin BOOLEAN NOT NULL,
    flags TEXT[] NOT NULL,                  -- learned from the wire
    fallbacks TEXT[] NOT NULL,              -- PROVIDER/MODEL in order: who answers when this one fails
    position INTEGER NOT NULL,              -- table order: built-ins first, then by creation
    created_at TIMESTAMP NOT NULL,
    deleted_at TIMESTAMP,                   -- in the trash since
    checked_at TIMESTAMP,                   -- the last "Verify"
    check_is_ok BOOLEAN,
    check_latency_ms INTEGER,
    check_message TEXT
);
CREATE UNIQUE INDEX one_provider_name ON providers ((CASE WHEN deleted_at IS NULL THEN name_key END));

CREATE TABLE models (
    provider_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    is_default BOOLEAN NOT NULL,
    context_tokens BIGINT,
    max_output_tokens BIGINT,
    thinking TEXT,
    retires_on DATE,
    replacement TEXT,
    note TEXT,
    price_input DECIMAL(18, 9),             -- USD per million tokens
    price_output DECIMAL(18, 9),
    price_cache_read DECIMAL(18, 9),
    price_cache_write DECIMAL(18, 9),
    price_source TEXT,
    price_as_of DATE,
    position INTEGER NOT NULL,
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (provider_id, id)
);
CREATE UNIQUE INDEX one_default_model ON models ((CASE WHEN is_default THEN provider_id END));

CREATE TABLE api_keys (
    owner TEXT NOT NULL,                    -- provider:ID or project:ID/provider:ID
    origin TEXT NOT NULL,                   -- scheme, host and port the key may be sent to
    ciphertext TEXT NOT NULL,               -- holds owner and origin too: a swapped row does not decrypt
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (owner, origin)
);

CREATE TABLE projects (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    system_prompt TEXT,
    model_id TEXT,
    provider_id TEXT,                       -- the override provider; an override key belongs to it alone
    created_at TIMESTAMP NOT NULL,
    deleted_at TIMESTAMP
);
CREATE UNIQUE INDEX one_project_name ON projects ((CASE WHEN deleted_at IS NULL THEN name_key END));

CREATE TABLE seeded (
    item TEXT PRIMARY KEY,                  -- PROVIDER or PROVIDER/MODEL: seeded once, never brought back
    catalog_version TEXT NOT NULL,
    seeded_at TIMESTAMP NOT NULL
);
