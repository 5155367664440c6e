-- How the answers of a conversation are asked for, and what of it each request carried. NULL: left to the provider.
ALTER TABLE conversations ADD COLUMN thinking TEXT;             -- off, low, medium, high
ALTER TABLE conversations ADD COLUMN temperature DOUBLE;
ALTER TABLE conversations ADD COLUMN max_output_tokens BIGINT;
ALTER TABLE attempts ADD COLUMN parameters TEXT;                -- in words, such as "thinking high, temperature 0.5"
