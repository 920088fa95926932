-- Lists of other houses as they published them, row for row, beside one's own library (J16). A row that its issuer has
-- taken away stays as `gone`, so that whoever asks for what is new hears of it.
CREATE TABLE followed_lists (
  issuer TEXT PRIMARY KEY, number INTEGER NOT NULL, digest TEXT NOT NULL, made_at INTEGER NOT NULL,
  taken_us INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE followed_numbers (
  issuer TEXT NOT NULL, address TEXT NOT NULL, institution TEXT NOT NULL, operator TEXT NOT NULL,
  since INTEGER NOT NULL, until INTEGER NOT NULL, telecom TEXT NOT NULL, channels TEXT NOT NULL,
  purposes TEXT NOT NULL, extensible INTEGER NOT NULL, binary INTEGER NOT NULL, disposed INTEGER NOT NULL,
  institution_name TEXT NOT NULL, operator_name TEXT NOT NULL, gone INTEGER NOT NULL, revision INTEGER NOT NULL,
  PRIMARY KEY (issuer, address, institution, operator, since)
) WITHOUT ROWID;
CREATE INDEX followed_numbers_by_revision ON followed_numbers (revision);
