"""What programs of institutions may tell and ask over HTTP, with a token each.

Owns the endpoints under `/api/v1` that need a token, in the window's process. Must never write to the store or the
evidence itself: what is told goes to the running proxy through its control socket, and is answered with 503 where
nobody listens there. Every request is for the institution of its token and for no other.
"""
