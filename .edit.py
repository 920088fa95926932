from pathlib import Path
def sub(path, old, new, count=1):
    p = Path(path); t = p.read_text()
    assert t.count(old) >= 1, (path, old)
    p.write_text(t.replace(old, new, count))
i = "proxy/smpp/inbound.py"
sub(i, "    # WHY too: a part in an alphabet of its own, and one that the carrier cut or declared wrongly, read as they did alone.\n", "    # WHY too: a part may be in an alphabet of its own, or declared wrongly; then it reads as it did alone.\n")
sub(i, "        given = {tag: int.from_bytes(value) for tag, value in sm.tlvs}\n", "        given = {tag: int.from_bytes(value) for tag, value in sm.tlvs if len(value) <= 2}\n")
sub("proxy/smpp/reply_parts.py", '''        elif len(waiting.replies.keys() | self._heard.of(part.key).keys()) == part.total or self._octets > _WAITING_MOST_OCTETS:
            groups += self._apart(part.key, now)
''', '''        elif self._octets > _WAITING_MOST_OCTETS or self._is_known(part, waiting):
            groups += self._apart(part.key, now)
''')
sub("proxy/smpp/reply_parts.py", '''    def _out(self''', '''    def _is_known(self, part: ReplyPart, waiting: _Waiting) -> bool:
        """Whether what waits and what was heard before are all there is."""
        return len(waiting.replies.keys() | self._heard.of(part.key).keys()) == part.total

    def _out(self''')
sub("proxy/smpp/relay.py", '''        self._hear_apart(self._reply_parts.release(now), now)
        for asked in self._to_carrier.drain():''', '''        for pdus, reply in self._reply_parts.release(now):
            self._gate.note("parts.apart")
            self._gate.hear(reply, pdus[-1])
        for asked in self._to_carrier.drain():''')
