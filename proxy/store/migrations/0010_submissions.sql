-- Lists that institutions submit to departments, what they claim, and numbers that two claim (J19 J23).
-- Moments are UTC microseconds, 0 for those that have not come.
CREATE TABLE submissions (
  id TEXT PRIMARY KEY, institution TEXT NOT NULL, department TEXT NOT NULL, state TEXT NOT NULL,
  numbers INTEGER NOT NULL, digest TEXT NOT NULL, submitted INTEGER NOT NULL, submitted_by TEXT NOT NULL,
  receipt TEXT NOT NULL, received INTEGER NOT NULL, received_by TEXT NOT NULL, decided INTEGER NOT NULL,
  decided_by TEXT NOT NULL, merged INTEGER NOT NULL, merged_by TEXT NOT NULL, reason TEXT NOT NULL,
  revision INTEGER NOT NULL
);
CREATE TABLE claims (
  submission TEXT NOT NULL, address TEXT NOT NULL, operator TEXT NOT NULL, telecom TEXT NOT NULL,
  channels TEXT NOT NULL, purposes TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL,
  extensible INTEGER NOT NULL, revision INTEGER NOT NULL, PRIMARY KEY (submission, address, operator, since)
);
CREATE TABLE claim_cases (
  id TEXT PRIMARY KEY, address TEXT NOT NULL, holder TEXT NOT NULL, claimant TEXT NOT NULL, submission TEXT NOT NULL,
  opened INTEGER NOT NULL, state TEXT NOT NULL, settled INTEGER NOT NULL, settled_by TEXT NOT NULL,
  settled_for TEXT NOT NULL, reason TEXT NOT NULL, revision INTEGER NOT NULL
);
