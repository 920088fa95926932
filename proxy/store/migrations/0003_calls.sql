-- What was agreed for the calls of an institution and of a trunk; nothing for whoever was there before.
ALTER TABLE institutions ADD COLUMN calls_per_s INTEGER NOT NULL DEFAULT 0;
ALTER TABLE institutions ADD COLUMN calls_most INTEGER NOT NULL DEFAULT 0;
ALTER TABLE institutions ADD COLUMN call_s_most INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN calls_per_s INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN calls_most INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN call_s_most INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN call_map TEXT NOT NULL DEFAULT 'precise';
ALTER TABLE accounts ADD COLUMN asserts_identity INTEGER NOT NULL DEFAULT 0;
