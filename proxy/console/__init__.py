"""The window for people: a read-only HTTP service in a process of its own.

Owns the pages, the JSON API and the metrics. Must never touch the wire process, write a file, or show a person's number
unmasked. It reads the status file and the evidence log, and nothing else.
"""
