-- What the store knows of itself: store_id, person_key_id; counters: revision (records), position (persons' states).
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counters VALUES ('revision', 0), ('position', 0);
CREATE TABLE revisions (revision INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, cause TEXT NOT NULL, rows INTEGER NOT NULL);

-- Records. Times are UTC seconds; a period holds from since (inclusive) to until (exclusive).
CREATE TABLE institutions (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, short_names TEXT NOT NULL, revision INTEGER NOT NULL
);
CREATE TABLE licences (
  institution TEXT NOT NULL, purposes TEXT NOT NULL, channels TEXT NOT NULL, since INTEGER NOT NULL,
  until INTEGER NOT NULL, revision INTEGER NOT NULL,
  PRIMARY KEY (institution, purposes, channels, since)
);
CREATE TABLE partners (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL, revision INTEGER NOT NULL
);
CREATE TABLE entrustments (
  institution TEXT NOT NULL, partner TEXT NOT NULL, purposes TEXT NOT NULL, channels TEXT NOT NULL,
  since INTEGER NOT NULL, until INTEGER NOT NULL, document_hash TEXT NOT NULL, revision INTEGER NOT NULL,
  PRIMARY KEY (institution, partner, purposes, channels, since)
);
CREATE TABLE numbers (
  address TEXT NOT NULL, principal TEXT NOT NULL, operator TEXT NOT NULL, telecom TEXT NOT NULL,
  channels TEXT NOT NULL, purposes TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL,
  extensible INTEGER NOT NULL, binary INTEGER NOT NULL, disposed INTEGER NOT NULL, revision INTEGER NOT NULL,
  PRIMARY KEY (address, principal, operator, since)
);
CREATE TABLE accounts (
  id TEXT PRIMARY KEY, principal TEXT NOT NULL, operator TEXT NOT NULL, purposes TEXT NOT NULL,
  password_hash TEXT NOT NULL, reviewed_by TEXT NOT NULL, telecom_licence_since INTEGER NOT NULL,
  telecom_licence_until INTEGER NOT NULL, responsible TEXT NOT NULL, route TEXT NOT NULL, addresses TEXT NOT NULL,
  max_binds INTEGER NOT NULL, rate_per_s INTEGER NOT NULL, window INTEGER NOT NULL, code_map TEXT NOT NULL,
  vendor_base INTEGER NOT NULL, status_text INTEGER NOT NULL, binary INTEGER NOT NULL, own_receiver INTEGER NOT NULL,
  client_certificate TEXT NOT NULL, revision INTEGER NOT NULL
);
CREATE TABLE holds (
  kind TEXT NOT NULL, target TEXT NOT NULL, reason TEXT NOT NULL, revision INTEGER NOT NULL,
  PRIMARY KEY (kind, target)
);

-- What happened to records by command: holds and disposals, and who ended them (Z14 Z23). Append only.
CREATE TABLE measures (
  id INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, verb TEXT NOT NULL, target TEXT NOT NULL, reason TEXT NOT NULL,
  by TEXT NOT NULL
);

-- Persons. person is the keyed digest, key the index key of (person, institution) less 2^63, so that signed order is
-- unsigned order; number is sealed. Ledgers are append only but for the mark that a row was released.
CREATE TABLE suppressions (
  id INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, key INTEGER NOT NULL, person BLOB NOT NULL, key_id INTEGER NOT NULL,
  number BLOB NOT NULL, institution TEXT NOT NULL, bits INTEGER NOT NULL, channel TEXT NOT NULL, source TEXT NOT NULL,
  label TEXT NOT NULL, matched TEXT NOT NULL, number_to TEXT NOT NULL, decision TEXT NOT NULL, released_at INTEGER,
  CHECK (length(person) = 16), CHECK (bits BETWEEN 1 AND 255)
);
CREATE INDEX suppressions_by_key ON suppressions (key);
CREATE TABLE releases (
  id INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, key INTEGER NOT NULL, person BLOB NOT NULL, institution TEXT NOT NULL,
  rows INTEGER NOT NULL, remaining INTEGER NOT NULL, channel TEXT NOT NULL, matched TEXT NOT NULL,
  number_to TEXT NOT NULL
);
CREATE TABLE consents (
  id INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, key INTEGER NOT NULL, person BLOB NOT NULL, key_id INTEGER NOT NULL,
  number BLOB NOT NULL, institution TEXT NOT NULL, bits INTEGER NOT NULL, until_day INTEGER NOT NULL,
  basis TEXT NOT NULL, product TEXT NOT NULL, source TEXT NOT NULL, proof_hash TEXT NOT NULL,
  recorded_us INTEGER NOT NULL,
  CHECK (length(person) = 16), CHECK (bits BETWEEN 1 AND 255)
);
CREATE INDEX consents_by_key ON consents (key);
CREATE TABLE withdrawals (
  id INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, key INTEGER NOT NULL, person BLOB NOT NULL, institution TEXT NOT NULL,
  bits INTEGER NOT NULL, source TEXT NOT NULL
);
CREATE INDEX withdrawals_by_key ON withdrawals (key);

CREATE TRIGGER suppressions_keep BEFORE DELETE ON suppressions BEGIN SELECT raise(ABORT, 'append only'); END;
CREATE TRIGGER suppressions_fixed BEFORE UPDATE ON suppressions
WHEN old.released_at IS NOT NULL OR new.released_at IS NULL
  OR (old.id, old.at_us, old.key, old.person, old.institution, old.bits, old.source)
  IS NOT (new.id, new.at_us, new.key, new.person, new.institution, new.bits, new.source)
BEGIN SELECT raise(ABORT, 'append only'); END;
CREATE TRIGGER releases_keep BEFORE DELETE ON releases BEGIN SELECT raise(ABORT, 'append only'); END;
CREATE TRIGGER releases_fixed BEFORE UPDATE ON releases BEGIN SELECT raise(ABORT, 'append only'); END;
CREATE TRIGGER consents_keep BEFORE DELETE ON consents BEGIN SELECT raise(ABORT, 'append only'); END;
CREATE TRIGGER consents_fixed BEFORE UPDATE ON consents BEGIN SELECT raise(ABORT, 'append only'); END;
CREATE TRIGGER withdrawals_keep BEFORE DELETE ON withdrawals BEGIN SELECT raise(ABORT, 'append only'); END;
CREATE TRIGGER withdrawals_fixed BEFORE UPDATE ON withdrawals BEGIN SELECT raise(ABORT, 'append only'); END;

-- Derived from the ledgers in the same transaction: what the indexes in memory hold. position is the counter's value at
-- the last change, so that a reader can ask for what is new.
CREATE TABLE suppression_state (key INTEGER PRIMARY KEY, value INTEGER NOT NULL, position INTEGER NOT NULL);
CREATE INDEX suppression_state_by_position ON suppression_state (position);
-- value is bits | until_day << 8; next_day is the day from which it has to be derived again, NULL for never.
CREATE TABLE consent_state (
  key INTEGER PRIMARY KEY, value INTEGER NOT NULL, position INTEGER NOT NULL, next_day INTEGER
);
CREATE INDEX consent_state_by_position ON consent_state (position);
CREATE INDEX consent_state_by_day ON consent_state (next_day) WHERE next_day IS NOT NULL;
