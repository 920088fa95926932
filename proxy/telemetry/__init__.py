"""How the product tells what it is doing: events, counters, the log, and the status file.

Owns the closed catalogue of events and every line that leaves the process for an operator. Must never let a
subscriber's number, a text or a password out. Imports core only.
"""
