-- What persons prefer, for one institution or (institution '') for all: the last word of each counts (J6).
CREATE TABLE preferences (
  id INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, key INTEGER NOT NULL, person BLOB NOT NULL, key_id INTEGER NOT NULL,
  number BLOB NOT NULL, institution TEXT NOT NULL, value INTEGER NOT NULL, source TEXT NOT NULL,
  CHECK (length(person) = 16)
);
CREATE INDEX preferences_by_key ON preferences (key);
CREATE TRIGGER preferences_keep BEFORE DELETE ON preferences BEGIN SELECT raise(ABORT, 'append only'); END;
CREATE TRIGGER preferences_fixed BEFORE UPDATE ON preferences BEGIN SELECT raise(ABORT, 'append only'); END;
CREATE TABLE preference_state (key INTEGER PRIMARY KEY, value INTEGER NOT NULL, position INTEGER NOT NULL);
CREATE INDEX preference_state_by_position ON preference_state (position);
