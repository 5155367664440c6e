-- Who answers in a project when a provider fails, PROVIDER/MODEL in order. Empty: the chain of that provider.
ALTER TABLE projects ADD COLUMN fallbacks TEXT[] DEFAULT [];
