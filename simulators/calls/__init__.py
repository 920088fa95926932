"""Simulated ends of calls: who calls (`uac`), who answers (`uas`), and the sockets and calls that both are made of.

Owns no decision of any policy. Uses the product's reading of messages, its transactions and dialogs, and nothing above
them: what a call does, and what it does wrong, is written here.
"""
