"""Value types that every room speaks.

Imports nothing of the project, owns no I/O and no clock.
"""
