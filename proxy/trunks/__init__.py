"""Trunks and carriers of calls: sockets, who is who, where a call may go. Towards `sip_b2bua`, as `binds` to SMPP."""
