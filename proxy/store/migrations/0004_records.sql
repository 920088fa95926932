-- Regions are codes of ISO 3166-2:CN; empty: nobody said, nationwide, everywhere.
ALTER TABLE institutions ADD COLUMN region TEXT NOT NULL DEFAULT '';
ALTER TABLE partners ADD COLUMN document_hash TEXT NOT NULL DEFAULT '';
ALTER TABLE partners ADD COLUMN duties TEXT NOT NULL DEFAULT '';
ALTER TABLE partners ADD COLUMN due_diligence INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN telecoms TEXT NOT NULL DEFAULT '';

-- Telecom enterprises of the chain; since and until are those of the telecom licence.
CREATE TABLE telecoms (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, licence_no TEXT NOT NULL, region TEXT NOT NULL,
  since INTEGER NOT NULL, until INTEGER NOT NULL, revision INTEGER NOT NULL
);

-- What an institution holds in one province it may hold in another too, so the region is part of what names a row.
CREATE TABLE licences_with_region (
  institution TEXT NOT NULL, purposes TEXT NOT NULL, channels TEXT NOT NULL, since INTEGER NOT NULL,
  until INTEGER NOT NULL, issuer TEXT NOT NULL, issuer_level TEXT NOT NULL, region TEXT NOT NULL,
  revision INTEGER NOT NULL,
  PRIMARY KEY (institution, purposes, channels, since, region)
);
INSERT INTO licences_with_region
SELECT institution, purposes, channels, since, until, '', 'central', '', revision FROM licences;
DROP TABLE licences;
ALTER TABLE licences_with_region RENAME TO licences;

CREATE TABLE entrustments_with_parent (
  institution TEXT NOT NULL, partner TEXT NOT NULL, purposes TEXT NOT NULL, channels TEXT NOT NULL,
  since INTEGER NOT NULL, until INTEGER NOT NULL, regions TEXT NOT NULL, parent TEXT NOT NULL,
  document_hash TEXT NOT NULL, revision INTEGER NOT NULL,
  PRIMARY KEY (institution, partner, purposes, channels, since, regions, parent)
);
INSERT INTO entrustments_with_parent
SELECT institution, partner, purposes, channels, since, until, '', '', document_hash, revision FROM entrustments;
DROP TABLE entrustments;
ALTER TABLE entrustments_with_parent RENAME TO entrustments;

ALTER TABLE numbers ADD COLUMN refusal_keywords TEXT NOT NULL DEFAULT '';

CREATE TABLE liaisons (
  institution TEXT NOT NULL, name TEXT NOT NULL, contact TEXT NOT NULL, deputy TEXT NOT NULL,
  since INTEGER NOT NULL, until INTEGER NOT NULL, revision INTEGER NOT NULL,
  PRIMARY KEY (institution, name, since)
);
-- Moments are UTC microseconds, 0 for those that have not come.
CREATE TABLE onboardings (
  account TEXT NOT NULL, submitted INTEGER NOT NULL, submitted_by TEXT NOT NULL, documents TEXT NOT NULL,
  state TEXT NOT NULL, reviewed INTEGER NOT NULL, reviewed_by TEXT NOT NULL, approved INTEGER NOT NULL,
  approved_by TEXT NOT NULL, rejected INTEGER NOT NULL, rejected_by TEXT NOT NULL, reason TEXT NOT NULL,
  revision INTEGER NOT NULL,
  PRIMARY KEY (account, submitted)
);
CREATE TABLE campaigns (
  id TEXT PRIMARY KEY, institution TEXT NOT NULL, name TEXT NOT NULL, responsible TEXT NOT NULL,
  purposes TEXT NOT NULL, channels TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL,
  state TEXT NOT NULL, submitted_by TEXT NOT NULL, reviewed INTEGER NOT NULL, reviewed_by TEXT NOT NULL,
  checklist TEXT NOT NULL, reason TEXT NOT NULL, revision INTEGER NOT NULL
);
CREATE TABLE templates (
  id TEXT PRIMARY KEY, institution TEXT NOT NULL, campaign TEXT NOT NULL, purposes TEXT NOT NULL, text TEXT NOT NULL,
  state TEXT NOT NULL, submitted_by TEXT NOT NULL, reviewed INTEGER NOT NULL, reviewed_by TEXT NOT NULL,
  checklist TEXT NOT NULL, reason TEXT NOT NULL, revision INTEGER NOT NULL
);
CREATE TABLE signatures (
  owner TEXT NOT NULL, signature TEXT NOT NULL, short_names TEXT NOT NULL, since INTEGER NOT NULL,
  until INTEGER NOT NULL, revision INTEGER NOT NULL, PRIMARY KEY (owner, signature)
);
CREATE TABLE service_phones (
  owner TEXT NOT NULL, phone TEXT NOT NULL, label TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL,
  revision INTEGER NOT NULL, PRIMARY KEY (owner, phone)
);
CREATE TABLE products (
  institution TEXT NOT NULL, name TEXT NOT NULL, aliases TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL,
  revision INTEGER NOT NULL, PRIMARY KEY (institution, name)
);
CREATE TABLE domains (
  owner TEXT NOT NULL, domain TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL,
  revision INTEGER NOT NULL, PRIMARY KEY (owner, domain)
);

-- The last measure that the evidence log knows of.
INSERT INTO counters SELECT 'noted', coalesce(max(id), 0) FROM measures;

-- Who somebody is to a debt, and what they were told. Append only, as the ledgers of consents and refusals; key of a
-- notice is the index key of (person, institution and partner).
CREATE TABLE debtors (
  id INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, key INTEGER NOT NULL, person BLOB NOT NULL, key_id INTEGER NOT NULL,
  number BLOB NOT NULL, institution TEXT NOT NULL, role TEXT NOT NULL, source TEXT NOT NULL,
  document_hash TEXT NOT NULL, recorded_us INTEGER NOT NULL,
  CHECK (length(person) = 16)
);
CREATE INDEX debtors_by_key ON debtors (key);
CREATE TABLE debtor_notices (
  id INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, key INTEGER NOT NULL, person BLOB NOT NULL, key_id INTEGER NOT NULL,
  number BLOB NOT NULL, institution TEXT NOT NULL, partner TEXT NOT NULL, way TEXT NOT NULL, source TEXT NOT NULL,
  document_hash TEXT NOT NULL, recorded_us INTEGER NOT NULL,
  CHECK (length(person) = 16)
);
CREATE INDEX debtor_notices_by_key ON debtor_notices (key);
CREATE TRIGGER debtors_keep BEFORE DELETE ON debtors BEGIN SELECT raise(ABORT, 'append only'); END;
CREATE TRIGGER debtors_fixed BEFORE UPDATE ON debtors BEGIN SELECT raise(ABORT, 'append only'); END;
CREATE TRIGGER notices_keep BEFORE DELETE ON debtor_notices BEGIN SELECT raise(ABORT, 'append only'); END;
CREATE TRIGGER notices_fixed BEFORE UPDATE ON debtor_notices BEGIN SELECT raise(ABORT, 'append only'); END;
CREATE TABLE debtor_state (key INTEGER PRIMARY KEY, value INTEGER NOT NULL, position INTEGER NOT NULL);
CREATE INDEX debtor_state_by_position ON debtor_state (position);
CREATE TABLE notice_state (key INTEGER PRIMARY KEY, value INTEGER NOT NULL, position INTEGER NOT NULL);
CREATE INDEX notice_state_by_position ON notice_state (position);
-- Objections that are open: rows of the ledger of refusals with the objection's bit and no other.
CREATE VIEW objections AS SELECT * FROM suppressions WHERE bits = 16 AND released_at IS NULL;
