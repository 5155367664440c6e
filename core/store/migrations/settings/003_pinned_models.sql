-- Models that the user keeps on top of the model selector. A pin outlives its model: both may come back.
CREATE TABLE pinned_models (
    provider_id TEXT NOT NULL,
    model_id TEXT NOT NULL,
    pinned_at TIMESTAMP NOT NULL,
    PRIMARY KEY (provider_id, model_id)
);
