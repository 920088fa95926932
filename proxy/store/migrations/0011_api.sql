-- Tokens of the HTTP interface: only the SHA-256 of a token is kept. until is UTC seconds; revoked_us NULL while it is valid.
CREATE TABLE api_tokens (
  id TEXT PRIMARY KEY, digest BLOB NOT NULL UNIQUE, institution TEXT NOT NULL, scopes TEXT NOT NULL, label TEXT NOT NULL,
  created_us INTEGER NOT NULL, created_by TEXT NOT NULL, until INTEGER NOT NULL, revoked_us INTEGER,
  CHECK (length(digest) = 32)
);
-- What institutions told over HTTP, in the transaction of its effect. A key that was used is answered the same again;
-- asked is a keyed hash of the request (key_id names the key), record what the evidence log has to hold, noted whether
-- it does for certain.
CREATE TABLE receipts (
  id TEXT PRIMARY KEY, at_us INTEGER NOT NULL, token TEXT NOT NULL, institution TEXT NOT NULL, idempotency TEXT,
  asked BLOB NOT NULL, key_id INTEGER NOT NULL, answer BLOB NOT NULL, record BLOB NOT NULL,
  noted INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX receipts_by_key ON receipts (token, idempotency) WHERE idempotency IS NOT NULL;
CREATE INDEX receipts_to_note ON receipts (id) WHERE noted = 0;
CREATE TRIGGER receipts_keep BEFORE DELETE ON receipts BEGIN SELECT raise(ABORT, 'append only'); END;
