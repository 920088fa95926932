"""Binds on sockets: connections, TLS, passwords, the pairing of an ESME bind with its carrier bind.

Knows no rule: what a message may do is asked in `judging/`, what octets mean in `smpp/`.
"""
