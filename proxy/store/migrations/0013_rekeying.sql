-- A rotation of the key of persons: rows whose person is to be known by the new key, in the order of former pseudonyms.
CREATE TABLE rekeying_rows (
  person BLOB NOT NULL, ledger INTEGER NOT NULL, row INTEGER NOT NULL, PRIMARY KEY (person, ledger, row)
) WITHOUT ROWID;
-- Up to which id each ledger's rows were gathered.
CREATE TABLE rekeying_marks (ledger INTEGER PRIMARY KEY, id INTEGER NOT NULL);

-- Ledgers stay append only, but for the key: a row may come to be sealed and indexed by another one, and nothing else.
DROP TRIGGER suppressions_fixed;
CREATE TRIGGER suppressions_fixed BEFORE UPDATE ON suppressions
WHEN (old.released_at IS NOT NULL OR new.released_at IS NULL
  OR (old.id, old.at_us, old.key, old.person, old.institution, old.bits, old.source)
  IS NOT (new.id, new.at_us, new.key, new.person, new.institution, new.bits, new.source))
AND ((old.key_id = new.key_id AND old.person = new.person)
  OR (old.id, old.at_us, old.institution, old.bits, old.channel, old.source, old.label, old.matched, old.number_to,
    old.decision, old.released_at)
  IS NOT (new.id, new.at_us, new.institution, new.bits, new.channel, new.source, new.label, new.matched, new.number_to,
    new.decision, new.released_at))
BEGIN SELECT raise(ABORT, 'append only'); END;
DROP TRIGGER releases_fixed;
CREATE TRIGGER releases_fixed BEFORE UPDATE ON releases
WHEN old.person = new.person OR (old.id, old.at_us, old.institution, old.rows, old.remaining, old.channel, old.matched, old.number_to)
  IS NOT (new.id, new.at_us, new.institution, new.rows, new.remaining, new.channel, new.matched, new.number_to)
BEGIN SELECT raise(ABORT, 'append only'); END;
DROP TRIGGER consents_fixed;
CREATE TRIGGER consents_fixed BEFORE UPDATE ON consents
WHEN (old.key_id = new.key_id AND old.person = new.person)
  OR (old.id, old.at_us, old.institution, old.bits, old.until_day, old.basis, old.product, old.source, old.proof_hash, old.recorded_us)
  IS NOT (new.id, new.at_us, new.institution, new.bits, new.until_day, new.basis, new.product, new.source, new.proof_hash, new.recorded_us)
BEGIN SELECT raise(ABORT, 'append only'); END;
DROP TRIGGER withdrawals_fixed;
CREATE TRIGGER withdrawals_fixed BEFORE UPDATE ON withdrawals
WHEN old.person = new.person OR (old.id, old.at_us, old.institution, old.bits, old.source)
  IS NOT (new.id, new.at_us, new.institution, new.bits, new.source)
BEGIN SELECT raise(ABORT, 'append only'); END;
DROP TRIGGER preferences_fixed;
CREATE TRIGGER preferences_fixed BEFORE UPDATE ON preferences
WHEN (old.key_id = new.key_id AND old.person = new.person)
  OR (old.id, old.at_us, old.institution, old.value, old.source)
  IS NOT (new.id, new.at_us, new.institution, new.value, new.source)
BEGIN SELECT raise(ABORT, 'append only'); END;
DROP TRIGGER debtors_fixed;
CREATE TRIGGER debtors_fixed BEFORE UPDATE ON debtors
WHEN (old.key_id = new.key_id AND old.person = new.person)
  OR (old.id, old.at_us, old.institution, old.role, old.source, old.document_hash, old.recorded_us)
  IS NOT (new.id, new.at_us, new.institution, new.role, new.source, new.document_hash, new.recorded_us)
BEGIN SELECT raise(ABORT, 'append only'); END;
DROP TRIGGER notices_fixed;
CREATE TRIGGER notices_fixed BEFORE UPDATE ON debtor_notices
WHEN (old.key_id = new.key_id AND old.person = new.person)
  OR (old.id, old.at_us, old.institution, old.partner, old.way, old.source, old.document_hash, old.recorded_us)
  IS NOT (new.id, new.at_us, new.institution, new.partner, new.way, new.source, new.document_hash, new.recorded_us)
BEGIN SELECT raise(ABORT, 'append only'); END;
DROP TRIGGER doubts_fixed;
CREATE TRIGGER doubts_fixed BEFORE UPDATE ON doubts
WHEN (old.state != 'open'
  OR (old.id, old.at_us, old.person, old.number, old.number_to, old.binds, old.closes)
  IS NOT (new.id, new.at_us, new.person, new.number, new.number_to, new.binds, new.closes))
AND ((old.key_id = new.key_id AND old.person = new.person)
  OR (old.id, old.at_us, old.said, old.number_to, old.channel, old.label, old.confidence, old.binds, old.closes,
    old.moments, old.state, old.decided_us, old.decided_by)
  IS NOT (new.id, new.at_us, new.said, new.number_to, new.channel, new.label, new.confidence, new.binds, new.closes,
    new.moments, new.state, new.decided_us, new.decided_by))
BEGIN SELECT raise(ABORT, 'append only'); END;
