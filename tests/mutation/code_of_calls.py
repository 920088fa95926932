"""What is changed in the code of calls, place by place: each line is a defect that somebody could make.

Read as: in this function, this becomes that, and a test of these files fails.
"""

from __future__ import annotations

from tests.mutation.changed_code import Change

_GATE = ("tests.judging.test_call_gate",)
_LIMITS = ("tests.judging.test_call_limits",)
_COURSE = ("tests.judging.test_call_course",)
_KEYPAD = ("tests.judging.test_keypad",)
_EARS = ("tests.judging.test_call_refusals",)
_READ = ("tests.sip.test_read_invite",)
_SIGNS = ("tests.sip.test_sip_refusal_signs", "tests.sip.test_sip_unwanted")
_OUT = ("tests.trunks.test_outbound_writes",)
_NUMBERS = ("tests.sip.test_sip_uri", *_READ)
_CLIENTS = ("tests.sip.test_sip_transaction_clients", "tests.sip.test_sip_call")
_SERVERS = ("tests.sip.test_sip_transaction_servers",)
_CALLS = ("tests.sip.test_sip_call", "tests.sip.test_sip_call_inside")
_TABLE = ("tests.sip.test_sip_transaction_matching", "tests.sip.test_sip_transaction_servers")
_TIMERS = ("tests.sip.test_sip_timers",)
_DIALOG = ("tests.sip.test_sip_dialog", *_CALLS)
_DIGEST = ("tests.sip.test_sip_digest",)
_SDP = ("tests.sip.test_sip_sdp",)
_TORTURE = ("tests.sip.test_sip_torture", "tests.sip.test_sip_ipv6_messages")
_BACKS = ("tests.trunks.test_calls_from_a_carrier", "tests.trunks.test_call_backs")
_DOOR = ("tests.trunks.test_door",)
_KEPT = ("tests.trunks.test_refusals_kept",)
_FURTHER = ("tests.trunks.test_further_gateways",)
_FREED = ("tests.sip.test_sip_call_is_freed",)

_T = "proxy.sip.transaction."
TABLE: tuple[tuple[tuple[str, ...], str, tuple[tuple[str, str], ...]], ...] = (
    # ---- the gate of a trunk
    (_GATE, "proxy.judging.call_gate:CallGate.judge", (
        ("(*question.findings, place.over)", "question.findings"),
        ("if not self._journal.decided(request, verdict.decision):", "if False:"),
        ("if not kept:", "if False:"),
        ("kept = True", "kept = False"),
        ("self.permitted += 1", "pass"),
    )),
    (_GATE, "proxy.judging.call_gate:CallGate.closed_now", (
        ("outcome == OUTCOME_REFUSE and rule in ends", "outcome == OUTCOME_REFUSE"),
        ("outcome == OUTCOME_REFUSE and rule in ends", "False"),
    )),
    (_GATE, "proxy.judging.call_gate:CallGate._request", (
        ('channel="voice"', 'channel="sms"'),
        ("(institution.name, institution.page) if institution is not None else", ""),
        ("sender=question.caller", "sender=question.recipient"),
        ("findings=findings", "findings=()"),
    )),
    (_GATE, "proxy.judging.call_gate:CallGate._account", (
        ("if snapshot is not self._snapshot:", "if self._snapshot is None:"),
        ("reviewed=False", "reviewed=True"),
    )),
    (_GATE, "proxy.judging.call_gate:CallGate._refused", (
        ('if decision.rule == "internal.rule":', "if False:"),
        ('decision.effect == "defer"', "True"),
        ("lambda _: answer(said)", "lambda _: None"),
    )),
    (_GATE, "proxy.judging.call_gate:CallGate._answer", (
        ("retry_after_s(request, decision, force.snapshot, force.now)", "0.0"),
    )),
    # ---- caps
    (_LIMITS, "proxy.judging.call_limits:_Use.over", (
        ("self.calls > most", "self.calls >= most"),
        ("self.calls > most", "False"),
        ("self.calls += 1", "pass"),
        ("self.rate.per_s != per_s", "False"),
        ("not self.rate.take(now)", "False"),
    )),
    (_LIMITS, "proxy.judging.call_limits:CallPlace.give_back", (
        ("self._uses = self._uses, ()", "self._uses = self._uses, self._uses"),
        ("use.calls -= 1", "pass"),
    )),
    (_LIMITS, "proxy.judging.call_limits:CallLimits.take", (
        ("if not over and of_all:", "if False:"),
        ("all_trunks.over(institution.calls_per_s, institution.calls_most, now)", '""'),
        ("min(one_s, all_s)", "max(one_s, all_s)"),
        ("if one_s and all_s", "if True"),
    )),
    # ---- what an INVITE asks
    (_READ, "proxy.sip.read_invite:read_invite", (
        ('request.each("privacy")', "()"),
        ("_purpose(request, purpose_key, findings) if purpose_key else None", "None"),
    )),
    (_READ, "proxy.sip.read_invite:recipient_of", (
        ("if number.plus:", "if False:"),
        ("if not _global_context(number):", "if True:"),
        ("dialled is None or dialled == whole", "True"),
    )),
    (_READ, "proxy.sip.read_invite:_caller_in", (
        ('octets = b"+" + octets', "pass"),
        ("elif _global_context(number):", "elif False:"),
    )),
    (_READ, "proxy.sip.read_invite:_caller", (
        ("if asserts_identity else []", ""),
        ("if asserts_identity else []", "and []"),
        ("if len(numbers) == 1:", "if numbers:"),
        ("numbers.discard(None)", "pass"),
        ('findings.append(Finding(IDENTITY, "unreadable"))', "pass"),
        ("asserted or [request.from_]", "[*asserted, request.from_]"),
    )),
    (_READ, "proxy.sip.read_invite:_purpose", (
        ("found is None or len(values) > 1", "found is None"),
        ("found is None or len(values) > 1", "len(values) > 1"),
    )),
    (_NUMBERS, "proxy.sip.subscriber:_read", (
        ("if name in seen:", "if False:"),
        ("number = number[:at]", "pass"),
        ("not strict and not _is_dialled(number)", "False"),
    )),
    # ---- the one way out
    (_OUT, "proxy.trunks.outbound:Outbound.invite", (
        ("caller = b\"sip:\" + written_number(self._caller", "caller = b\"sip:\" + written_number(self._called"),
        ('("from", identity + b";tag=" + tag)', '("from", b"<" + caller + b">;tag=" + tag)'),
        ('("p-asserted-identity", identity),', ""),
        ("b\"sip:\" + person + b\"@\" + host + transport", "b\"sip:\" + person + b\"@\" + identity_host + transport"),
    )),
    (_OUT, "proxy.trunks.outbound:write_invite", (
        ("lines += rules.added", "pass"),
        ("rules.passing(carried).into(request)", "carried.into(request)"),
    )),
    (_OUT, "proxy.trunks.outbound:Outbound.__init__", (
        ("max_forwards(asked) - 1", "max_forwards(asked)"),
        ("carried_from(asked, held_back)", "carried_from(asked, frozenset())"),
    )),
    # ---- refusals in a call
    (_KEYPAD, "proxy.judging.keypad:Keypad.pressed", (
        ("now - self._at <= settings.gap_s", "True"),
        ("not self._is_open(now)", "False"),
        ("if self._done or", "if"),
        ("[-len(settings.keys) :]", ""),
    )),
    (_KEYPAD, "proxy.judging.keypad:Keypad._is_open", (
        ("return settings.early", "return True"),
        ("return settings.early", "return False"),
        ("settings.opens_s <= since", "True"),
        ("since < settings.opens_s + settings.open_s", "since < settings.open_s"),
    )),
    (_KEYPAD, "proxy.judging.keypad:Keypad.answered", (
        ("if self._answered_at is None:", "if True:"),
    )),
    (_EARS, "proxy.judging.call_refusals:CallEars.info", (
        ("if not self._is_person(leg) or names_rule(request):", "if names_rule(request):"),
        ("or names_rule(request)", ""),
    )),
    (_EARS, "proxy.judging.call_refusals:CallEars._is_person", (
        ('not (leg == "b" and self._diverted)', "True"),
    )),
    (_EARS, "proxy.judging.call_refusals:CallEars._counts", (
        ("and self._end_user", ""),
        ("and self._end_user", "and False"),
    )),
    (_EARS, "proxy.judging.call_refusals:CallEars._refuse", (
        ('if self._state == "kept":', "if False:"),
        ("self._hearing.act(understood, self._snapshot, self._done)", "self._done(True, True)"),
    )),
    (_EARS, "proxy.judging.call_refusals:CallEars._done", (
        ('self._state = "kept" if ok else "none"', 'self._state = "kept"'),
        ("committed(ok)", "committed(True)"),
    )),
    (_SIGNS, "proxy.sip.unwanted:says_unwanted", (
        ("message.status == UNWANTED and not names_rule(message)", "message.status == UNWANTED"),
        ('protocol == b"sip" and cause == b"607"', 'cause == b"607"'),
        ("return said and not names_rule(message)", "return said"),
        ('message.method != "BYE" or', ""),
    )),
    (_SIGNS, "proxy.sip.unwanted:is_diverted", (
        ("message.status == 181 or", ""),
        ('or message.has("diversion")', ""),
        ("> 1", "> 2"),
    )),
    (_SIGNS, "proxy.sip.dtmf:digits_in", (
        ('name == "signal"', 'name == "duration"'),
        ("if kind == RELAY:", "if True:"),
    )),
    (_KEPT, "proxy.trunks.keeping:Keeping.__call__", (
        ("if on_disk:", "if True:"),
    )),
    (_KEPT, "proxy.trunks.keeping:Keeping.expired", (
        ('if name == "most":', "if False:"),
        ("elif not self._again(self):", "elif self._again(self):"),
    )),
    # ---- the record of a call
    (_COURSE, "proxy.judging.call_course:CallCourse.ended", (
        ("if self._over:", "if False:"),
        ("status=200 if self.answered else status", "status=status"),
        ("attempts=self._attempts", "attempts=1"),
    )),
    (_COURSE, "proxy.judging.call_course:CallCourse._result", (
        ("if self.answered:", "if False:"),
        ('if side == "a":', "if False:"),
        ("or status in _UNREACHED", ""),
    )),
    (_COURSE, "proxy.judging.call_course:CallCourse.rang", (("if not self._rang_us:", "if True:"),)),
    (_COURSE, "proxy.judging.call_course:CallCourse.taken", (("if not self._answered_us:", "if True:"),)),
    # ---- transactions, timer by timer (RFC 3261 table 4, RFC 6026)
    (_CLIENTS, _T + "invite_client:InviteClient.__init__", (
        ("None if flow.reliable else self._start", "self._start"),
        ('self._start("A", self._gap_s, now)', 'self._start("A", self._gap_s * 1.5, now)'),
        ('self._start("B", desk.give_up_s, now)', 'self._start("B", desk.give_up_s * 2, now)'),
        ('self._start("B", desk.give_up_s, now)', 'self._start("B", desk.give_up_s / 2, now)'),
    )),
    (_CLIENTS, _T + "invite_client:InviteClient.expired", (
        ("self._gap_s *= 2", "pass"),
        ("self._gap_s *= 2", "self._gap_s = min(self._gap_s * 2, self.desk.timing.t2_s)"),
        ('if self.state == "calling" and self.request is not None:', "if False:"),
    )),
    (_CLIENTS, _T + "invite_client:InviteClient._provisional", (
        ("self._stop(self._until)", "pass"),
        ('self._start("C", self.desk.timing.c_s, now)', 'self._start("C", self.desk.timing.c_s * 2, now)'),
        ('self._start("C", self.desk.timing.c_s, now)', 'self._start("C", self.desk.timing.c_s / 2, now)'),
        ('response.status > 100 or self._timer is None or self._timer.name != "C"', "True"),
        ("response.status > 100 or", ""),
    )),
    (_CLIENTS, _T + "invite_client:InviteClient._accept", (
        ('self._start("M", self.desk.give_up_s, now)', 'self._start("M", self.desk.give_up_s * 2, now)'),
        ('self._start("M", self.desk.give_up_s, now)', 'self._start("M", self.desk.give_up_s / 2, now)'),
    )),
    (_CLIENTS, _T + "invite_client:InviteClient._complete", (
        ('self._start("D", self.desk.timing.d_s, now)', 'self._start("D", self.desk.timing.d_s * 2, now)'),
        ('self._start("D", self.desk.timing.d_s, now)', 'self._start("D", self.desk.timing.d_s / 2, now)'),
        ("self.flow.reliable and not self._held", "False"),
    )),
    (_CLIENTS, _T + "invite_client:InviteClient.cancel", (
        ('self._start("cancel", self.desk.give_up_s, now)', 'self._start("cancel", self.desk.give_up_s * 2, now)'),
        ('self.state != "proceeding" or', ""),
        ("or self._cancel_sent", ""),
    )),
    (_CLIENTS, _T + "plain_client:PlainClient.__init__", (
        ('self._start("F", desk.give_up_s, now)', 'self._start("F", desk.give_up_s * 2, now)'),
        ('self._start("F", desk.give_up_s, now)', 'self._start("F", desk.give_up_s / 2, now)'),
        ('self._start("E", self._gap_s, now)', 'self._start("E", self._gap_s * 1.5, now)'),
        ("None if flow.reliable else self._start", "self._start"),
    )),
    (_CLIENTS, _T + "plain_client:PlainClient.expired", (
        ("min(self._gap_s * 2, t2_s)", "self._gap_s * 2"),
        ("min(self._gap_s * 2, t2_s)", "self._gap_s"),
        ('if self.state == "trying" else t2_s', ""),
    )),
    (_CLIENTS, _T + "plain_client:PlainClient.receive", (
        ('self._start("K", self.desk.timing.t4_s, now)', 'self._start("K", self.desk.timing.t4_s * 2, now)'),
        ('self._start("K", self.desk.timing.t4_s, now)', 'self._start("K", self.desk.timing.t4_s / 2, now)'),
        ("if self.flow.reliable:", "if False:"),
    )),
    (_SERVERS, _T + "invite_server:InviteServer.__init__", (
        ("desk.timing.trying_s", "desk.timing.trying_s * 2"),
    )),
    (_SERVERS, _T + "invite_server:InviteServer.expired", (
        ("min(self._gap_s * 2, self.desk.timing.t2_s)", "self._gap_s * 2"),
        ("min(self._gap_s * 2, self.desk.timing.t2_s)", "self._gap_s"),
        ('if name == "H":', "if False:"),
    )),
    (_SERVERS, _T + "invite_server:InviteServer._complete", (
        ('self._start("H", self.desk.give_up_s, now)', 'self._start("H", self.desk.give_up_s * 2, now)'),
        ('self._start("H", self.desk.give_up_s, now)', 'self._start("H", self.desk.give_up_s / 2, now)'),
        ('self._start("G", self._gap_s, now)', 'self._start("G", self._gap_s * 1.5, now)'),
        ("None if self.flow.reliable else", ""),
    )),
    (_SERVERS, _T + "invite_server:InviteServer.ack", (
        ('self._start("I", self.desk.timing.t4_s, now)', 'self._start("I", self.desk.timing.t4_s * 2, now)'),
        ('self._start("I", self.desk.timing.t4_s, now)', 'self._start("I", self.desk.timing.t4_s / 2, now)'),
        ("if self.flow.reliable:", "if False:"),
        ('return self.state != "accepted"', "return True"),
    )),
    (_SERVERS, _T + "invite_server:InviteServer.respond", (
        ('self._start("L", self.desk.give_up_s, now)', 'self._start("L", self.desk.give_up_s * 2, now)'),
        ('self._start("L", self.desk.give_up_s, now)', 'self._start("L", self.desk.give_up_s / 2, now)'),
    )),
    (_SERVERS, _T + "plain_server:PlainServer.respond", (
        ('self._start("J", self.desk.give_up_s, now)', 'self._start("J", self.desk.give_up_s * 2, now)'),
        ('self._start("J", self.desk.give_up_s, now)', 'self._start("J", self.desk.give_up_s / 2, now)'),
        ("if self.flow.reliable:", "if False:"),
    )),
    (_CALLS, "proxy.sip.leg:Leg.answer", (
        ('timers.start(self, "2xx", self._gap_s, now)', 'timers.start(self, "2xx", self._gap_s * 1.5, now)'),
        ("self.exchange.timing.give_up_s", "self.exchange.timing.give_up_s * 2"),
    )),
    (_CALLS, "proxy.sip.leg:Leg.expired", (
        ("min(self._gap_s * 2, timing.t2_s)", "self._gap_s * 2"),
        ("self.call.ack_missing(self, now)", "pass"),
        ("self.call.silent(self, now)", "pass"),
    )),
    # ---- who belongs to what
    (_TABLE, _T + "table:Transactions._cancel", (
        ("or invite.flow.peer != server.flow.peer", ""),
        ('if invite.state == "proceeding":', "if True:"),
    )),
    (_TABLE, _T + "table:Transactions.cancels", (("and invite.flow.peer == flow.peer", ""),)),
    (_DOOR, _T + "table:Transactions.acknowledges", (
        ("and invite.ack(now)", ""),
        ('branch_key(via, "INVITE")', 'branch_key(via, "ACK")'),
    )),
    (_DOOR, "proxy.trunks.door:Door.acknowledged", (("not self._peers.of(flow).stranger and", ""),)),
    (_TABLE, "proxy.sip.timers:Timers.expire", (
        ("self._wait(due[place])", "pass"),
        ("due.sort(key=_deadline_of)", "pass"),
    )),
    # WHY by its own tests: a play that goes from deadline to deadline stands still for ever with this change.
    (_TIMERS, "proxy.sip.timers:Timers.expire", (("timer.deadline > now", "timer.deadline >= now"),)),
    (_TABLE, _T + "table:Transactions._invite", (
        ("merged = first is not None and first in self._desk.live", "merged = False"),
    )),
    (_TABLE, _T + "table:Transactions._room", (
        ("return self.most\n", "return self.most // 2\n"),
        ("self.most - self.most // 8", "self.most"),
    )),
    (_TABLE, _T + "matching:response_key", (('keys.count("via") != 1', "False"),)),
    (_DIALOG, "proxy.sip.dialog:Dialog.belongs", (
        ("request.call_id == self.call_id", "True"),
        ("and request.to.tag == self.local_tag", ""),
        ("and (request.from_.tag or b\"\") == self.remote_tag", ""),
    )),
    (_DIALOG, "proxy.sip.dialog:Dialog.receive", (
        ("number <= self.remote_sequence", "number < self.remote_sequence"),
        ("number <= self.remote_sequence", "False"),
    )),
    (_DIALOG, "proxy.sip.dialog:Forks.receive", (
        ("(self.most if response.status < 200 else 2 * self.most)", "10**9"),
    )),
    (_FURTHER, "proxy.sip.call:Call.branch_responded", (
        ("response.status >= 600 and leg is not self.b", "False"),
        ("response.status >= 600 and leg is not self.b", "leg is not self.b"),
    )),
    (_FURTHER, "proxy.trunks.trying:Trying.next", (
        ("if further and not self._may_go_on(attempt):", "if False:"),
        ("further = bool(attempt.tried)", "further = True"),
    )),
    (_FURTHER, "proxy.trunks.trying:Trying.prove", (("if not self._may_go_on(attempt):", "if False:"),)),
    (_GATE, "proxy.judging.call_gate:CallGate.may_go_on", (
        ("if not isinstance(verdict, Refusal):", "if True:"),
        ("self._refused(request, verdict, answer)", "pass"),
        ("self._account()", "pass"),
    )),
    (_FREED, "proxy.sip.calls:Calls._unanswered", (('if timer == "C":', "if False:"),)),
    (_TABLE, "proxy.sip.transaction.base:ServerTransaction._end", (("share.held -= 1", "pass"),)),
    (_CALLS, "proxy.sip.call:Call.refuse", (("if self.answered or self.over:", "if False:"),)),
    (_CALLS, "proxy.sip.call:Call.asked_again", (
        ("if leg.server is not None or leg.unacknowledged:", "if False:"),
        ("carried = self._passing(request)", "carried = self._carried(request)"),
    )),
    (_CALLS, "proxy.sip.call:Call._first_accepted", (
        ("if not self._wanted(leg):", "if False:"),
        ("carried = self._passing(response)", "carried = self._carried(response)"),
    )),
    (_CALLS, "proxy.sip.call:Call.cancelled", (
        ("self._abandon(self.b, reason, now)", "pass"),
    )),
    (_CALLS, "proxy.sip.call:Call.branch_unanswered", (
        ("leg.gave_up = True", "pass"),
        ('503 if timer == "sending" else 408', "408"),
    )),
    (_CALLS, "proxy.sip.calls:Calls._new", (
        ('check_media(request.single("content-type"), request.body)', "pass"),
    )),
    # ---- the door
    (_DOOR, "proxy.trunks.door:Door.admit", (
        ("if peer is None:", "if False:"),
        ('request.method != "ACK"', "True"),
        ('holder if request.to.tag is None else "inside " + holder', "holder"),
    )),
    (_DOOR, "proxy.trunks.door:Door._admitted", (
        ("if not self._table.cancels(request, flow):", "if False:"),
        ("if self._own(tag, flow, peer):", "if True:"),
        ("if tag in self._calls.legs:", "if True:"),
        ('request.method == "INVITE" or not self._is_surely(flow, peer)', 'request.method == "INVITE"'),
    )),
    (_DOOR, "proxy.trunks.door:Door._own", (
        ("return alike or self._peers.of(theirs).shares(peer)", "return True"),
        ("return alike or self._peers.of(theirs).shares(peer)", "return alike"),
    )),
    (_DOOR, "proxy.trunks.door:Door._beginning", (
        ("trunk is not None and trunk in peer.trunks", "trunk is not None"),
        ("len(by_address) == 1 and not proves", "bool(by_address)"),
        ("if peer.carriers and not proves and", "if peer.carriers and"),
    )),
    (_DOOR, "proxy.trunks.door:Door._answer", (("and not self._is_surely(flow, peer)", "and False"),)),
    (_DOOR, "proxy.trunks.door:Door._is_surely", (
        ("flow.reliable or", ""),
        ("or bool(peer.sure)", ""),
        ("bool(peer.carriers) or", ""),
    )),
    (_DOOR, "proxy.trunks.door:Door._refused", (('if request.method in _NAMES else "other"', ""),)),
    (_DOOR, "proxy.sip.ids:Ids.tag_of", (("if key in _OF_A_REQUEST", "if False"),)),
    # ---- proof, form, text
    (_DIGEST, "proxy.sip.digest:_judged", (
        ("not right or secret is None", "secret is None"),
        ("not right or secret is None", "not right"),
        ("not _same_target(uri, request.uri)", "False"),
        ('if spent == "good":', "if True:"),
        ("elif not scheme.without_qop:", "elif False:"),
    )),
    (_DIGEST, "proxy.sip.nonces:Nonces.spend", (
        ("count <= known[1]", "count < known[1]"),
        ("0 <= now_ms - issued_ms <= self._lifetime_ms", "True"),
        ("if issued_ms <= self._forgotten:", "if False:"),
    )),
    (_TORTURE, "proxy.sip.screening:check_support", (
        ("uri = parse_uri(request.uri)\n    if method", "uri = parse_uri(b'sip:h')\n    if method"),
        ("uri.scheme not in capabilities.schemes", "False"),
        ("uri.headers is not None", "False"),
        ("forwards and max_forwards(request) == 0", "False"),
    )),
    (_TORTURE, "proxy.sip.screening:check_form", (
        ("request.cseq.method != request.method", "False"),
        ("400 if request.method in _KNOWN_METHODS else 501", "400"),
    )),
    (_SDP, "proxy.sip.sdp:check_media", (
        ("or kind in _SHORT_MESSAGES", ""),
        ('kind.startswith((b"text/", b"message/"))', "False"),
        ("not slash or not is_token(main) or not is_token(sub)", "False"),
        ('elif kind.startswith(b"multipart/"):', "elif False:"),
    )),
    (_SDP, "proxy.sip.sdp:_carries_text", (
        ("if lower.find(word) >= 0:", "if False:"),
        ("if media > _MOST_MEDIA:", "if False:"),
        ("_QUIET.keep(line, is_media)", "_QUIET.keep(line, False)"),
    )),
    (_SDP, "proxy.sip.sdp:Description.carries_text", (
        ("self.names_text or", ""),
        ("each.kind in _TEXT_MEDIA or", ""),
    )),
    (_SDP, "proxy.sip.sdp:_parts", (
        ('if kind.lower().startswith(b"multipart/"):', "if False:"),
        ("if body.count(mark[2:]) != len(pieces) - 1:", "if False:"),
    )),
)  # fmt: skip

CHANGES: tuple[Change, ...] = tuple(
    Change(where, old, new, tests) for tests, where, places in TABLE for old, new in places
)
