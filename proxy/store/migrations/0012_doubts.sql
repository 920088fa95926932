-- Replies that careful readers may read differently, until a person decides (Z16 Z19). The text is sealed like the
-- number, and emptied when the case is decided (J13). closes: [[institution, bits, objects]]; moments: at_us of the
-- refusals that stand meanwhile; said: the keyed digest of the text, by which the same reply is known again.
CREATE TABLE doubts (
  id INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, person BLOB NOT NULL, key_id INTEGER NOT NULL, number BLOB NOT NULL,
  text BLOB NOT NULL, said BLOB NOT NULL, number_to TEXT NOT NULL, channel TEXT NOT NULL, label TEXT NOT NULL,
  confidence REAL NOT NULL, binds INTEGER NOT NULL, closes TEXT NOT NULL, moments TEXT NOT NULL, state TEXT NOT NULL,
  decided_us INTEGER NOT NULL, decided_by TEXT NOT NULL,
  CHECK (length(person) = 16), CHECK (state IN ('open', 'confirmed', 'dismissed')),
  CHECK (state = 'open' OR length(text) = 0)
);
CREATE UNIQUE INDEX doubts_open ON doubts (person, number_to, said) WHERE state = 'open';
CREATE TRIGGER doubts_keep BEFORE DELETE ON doubts BEGIN SELECT raise(ABORT, 'append only'); END;
CREATE TRIGGER doubts_fixed BEFORE UPDATE ON doubts
WHEN old.state != 'open'
  OR (old.id, old.at_us, old.person, old.number, old.number_to, old.binds, old.closes)
  IS NOT (new.id, new.at_us, new.person, new.number, new.number_to, new.binds, new.closes)
BEGIN SELECT raise(ABORT, 'append only'); END;
