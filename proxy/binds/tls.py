"""TLS contexts of both sides. Owns the minimum version; must never fall back to an unverified peer."""

import ssl

from proxy.settings import Tls


def server_context(tls: Tls) -> ssl.SSLContext:
    """For a listener: its own certificate, and with `ca` a client certificate is asked of every ESME.

    Raises OSError or ssl.SSLError where a file is missing or wrong.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(tls.certificate, tls.key)
    if tls.ca:
        context.load_verify_locations(tls.ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(tls: Tls) -> ssl.SSLContext:
    """For a route: the carrier's certificate is verified against `ca`, or the system's store without it."""
    context = ssl.create_default_context(cafile=tls.ca or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # WHY: from Python 3.13 on this is set, and an authority of a carrier's own making without keyUsage (RFC 5280
    # 4.2.1.3) would be refused after nothing but a change of the interpreter. Chain and name are verified as ever.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if tls.certificate:
        context.load_cert_chain(tls.certificate, tls.key)
    return context
