"""The registry: institutions, licences, partners, entrustments, numbers, accounts, holds, consents and refusals.

Owns how records are written by people (JSON, CSV), checked row by row, and turned into what the policy reads. Must
never open a database itself: `ports.py` says what a store has to do, `proxy/store/` does it.
"""
