"""The embedded store: SQLite with one owning connection, and readers beside it.

Owns files: database, lock, base files of persons, staged imports. Must never be opened for writing twice; must never
hold a person's number in clear or the key that would open it. `docs/adr/0004-aiosqlite.md` says why it is as it is.
"""
