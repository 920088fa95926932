"""SIP without input or output: messages, URIs, transactions, dialogs. Octets and `now` come in; octets, events and
deadlines go out.
"""
