"""The trail: what becomes of each permitted message after it left, by all of its ids."""
