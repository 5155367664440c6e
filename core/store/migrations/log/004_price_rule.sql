-- Which of the model's prices stands in the row, and the tokens that are written to a cache for an hour.
ALTER TABLE attempts ADD COLUMN price_rule TEXT;            -- NULL: no price was known
ALTER TABLE attempts ADD COLUMN cache_write_1h_tokens BIGINT;
UPDATE attempts
SET price_rule = 'base'                     -- there was no other
WHERE coalesce(price_input, price_output, price_cache_read, price_cache_write) IS NOT NULL;
