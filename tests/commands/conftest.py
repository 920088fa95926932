"""What the tests here share: passwords that are hashed quickly."""

from tests.tools.cheap_hashes import cheap_hashes, costly_hashes

__all__ = ["cheap_hashes", "costly_hashes"]
