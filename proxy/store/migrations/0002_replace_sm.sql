-- Whether an account may replace what it sent (replace_sm); refused for whoever was there before.
ALTER TABLE accounts ADD COLUMN replace_sm INTEGER NOT NULL DEFAULT 0;
