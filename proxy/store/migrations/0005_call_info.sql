-- The page of an institution that its calls bear in Call-Info; none for whoever was there before.
ALTER TABLE institutions ADD COLUMN page TEXT NOT NULL DEFAULT '';
