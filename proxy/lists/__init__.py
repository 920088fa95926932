"""Number lists that houses share: signed, numbered documents, and what makes and follows them (J16 J24)."""
