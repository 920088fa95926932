"""Between the wire and the policy: asks, records, hears refusals, and says whose they are.

Opens no socket. Everything here runs on the loop and keeps its truth in the store and the evidence log.
"""
