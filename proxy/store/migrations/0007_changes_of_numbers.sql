-- A change is found without a look at every number.
CREATE INDEX numbers_by_revision ON numbers (revision);
