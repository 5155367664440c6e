-- A model's prices by prompt length and by hour. They are read and written with their model, never searched: lists in
-- its row instead of tables whose rows could be orphaned.
ALTER TABLE models ADD COLUMN price_tiers STRUCT(
    above_tokens BIGINT,                    -- of the whole prompt; these prices then hold for the whole request
    input DECIMAL(18, 9),
    output DECIMAL(18, 9),
    cache_read DECIMAL(18, 9),
    cache_write DECIMAL(18, 9)
)[];
ALTER TABLE models ADD COLUMN price_windows STRUCT(
    start_at TIME,                          -- UTC
    end_at TIME,                            -- not part of it; before its start: it crosses midnight
    days INTEGER[],                         -- on which it starts, 1 is Monday
    factor DECIMAL(9, 6)                    -- times every price
)[];
