"""Brokers between houses."""
