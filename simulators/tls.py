"""TLS for both sides of a simulator, from the options of the command.

Owns the two contexts. Must never trust silently: without `--tls-ca` the system's authorities count, and only
`--tls-no-verify` leaves a certificate unchecked.
"""

import argparse
import ssl


def for_esme(options: argparse.Namespace) -> ssl.SSLContext | None:
    """Make the context of the side that connects; None without `--tls`. OSError, ssl.SSLError for bad files."""
    return _client(options) if options.tls else None


def of_transport(options: argparse.Namespace, transport: str, *, server: bool) -> ssl.SSLContext | None:
    """Make the context of a SIP end; None but for the transport tls. ValueError where a server has no certificate."""
    if transport != "tls":
        return None
    if not server:
        return _client(options)
    if not options.tls_cert:
        raise ValueError("transport tls: --tls-cert is needed")
    return for_smsc(options)


def _client(options: argparse.Namespace) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=options.tls_ca)
    # WHY: strict from Python 3.13 on, and what is tested with a simulator often has an authority of its own making.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if options.tls_no_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if options.tls_cert:
        context.load_cert_chain(options.tls_cert, options.tls_key)
    return context


def for_smsc(options: argparse.Namespace) -> ssl.SSLContext | None:
    """Make the context of the side that listens; None without `--tls-cert`.

    With `--tls-ca` clients must show a certificate from there.
    """
    if not options.tls_cert:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(options.tls_cert, options.tls_key)
    if options.tls_ca:
        context.load_verify_locations(options.tls_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
