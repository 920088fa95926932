"""The evidence log: append-only, hashed as in RFC 6962, signed per batch, verifiable by whoever has the public key.

Owns what was decided and when, without a number or a text in it. Must never lose a record silently, hold a key of
persons, or let a reader change an octet. `docs/manual/evidence.md` is the format; `log.py` writes, `read.py`,
`verify.py` and `proofs.py` read, `batch.py` and `merkle.py` are the pure core.
"""
