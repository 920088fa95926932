"""The spool: replies and receipts that wait on disk, encrypted, for the ESME that is not there yet.

Owns what was acknowledged to a carrier and not yet answered by an ESME. Must never lose an entry that was told durable,
hand out one that is not, or leave an octet of one readable on disk. `docs/manual/spool.md` is the format; `layout.py`
holds it, `recovery.py` reads it at start, `spool.py` is what others call.
"""
