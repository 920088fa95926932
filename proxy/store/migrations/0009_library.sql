-- Special segments (J20), when libraries were attested (Z10), and numbers on their way into the library (J21).
-- Moments are UTC microseconds, 0 for those that have not come.
CREATE TABLE segments (
  id TEXT PRIMARY KEY, first TEXT NOT NULL, last TEXT NOT NULL, channels TEXT NOT NULL, purposes TEXT NOT NULL,
  department TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL, revision INTEGER NOT NULL
);
CREATE TABLE attestations (
  institution TEXT NOT NULL, attested INTEGER NOT NULL, attested_by TEXT NOT NULL, numbers INTEGER NOT NULL,
  remark TEXT NOT NULL, revision INTEGER NOT NULL, PRIMARY KEY (institution, attested)
);
CREATE TABLE intakes (
  id TEXT PRIMARY KEY, path TEXT NOT NULL, address TEXT NOT NULL, principal TEXT NOT NULL, operator TEXT NOT NULL,
  telecom TEXT NOT NULL, channels TEXT NOT NULL, purposes TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL,
  extensible INTEGER NOT NULL, submitted INTEGER NOT NULL, submitted_by TEXT NOT NULL, state TEXT NOT NULL,
  decided INTEGER NOT NULL, decided_by TEXT NOT NULL, reason TEXT NOT NULL, revision INTEGER NOT NULL
);
