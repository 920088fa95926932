"""SMPP simulators for testers: an ESME, an SMSC and a handset that answers, usable against any vendor's equipment.

Owns nothing of the product: of `proxy` only the codec rooms of `proxy.smpp` are imported. Use them as a library
(`simulators.esme.Esme`, `simulators.smsc.Smsc`, `simulators.handset.Handset`) or as the command `tdgate-sim`.
"""
