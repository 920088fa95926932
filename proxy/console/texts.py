"""The words on the page in English and Chinese, and which of the two a reader gets.

Owns every sentence of the page that is not a rule's (those stand in the catalogue). Pure.
"""

from typing import Final, Literal

Lang = Literal["en", "zh"]
HTML_LANG: Final[dict[Lang, str]] = {"en": "en", "zh": "zh-CN"}

#: key: (English, Chinese). `{…}` are filled in by the template.
_TEXTS: Final[dict[str, tuple[str, str]]] = {
    "title": ("tdgate · console", "tdgate · 监控台"),
    "tagline": ("Every message and call judged, every refusal kept", "每条每呼必判 · 拒收必行"),
    "pages": ("Pages", "页面"),
    "page.live": ("Live", "实时"),
    "page.templates": ("Templates", "模板审核"),
    "page.replies": ("Replies to review", "待复核回复"),
    "skip": ("Skip to the latest decisions", "跳到最新判定"),
    "other_lang": ("中文", "English"),
    "state.ready": ("Taking traffic", "运行中"),
    "state.draining": ("Draining", "排空中"),
    "state.unready": ("Not taking traffic", "未就绪"),
    "state.unknown": ("State unknown", "状态未知"),
    "live.on": ("Live", "实时"),
    "live.off": ("Connection lost, trying again", "连接中断，正在重试"),
    "live.paused": ("Paused", "已暂停"),
    "live.pause": ("Pause", "暂停"),
    "live.resume": ("Resume", "继续"),
    "trouble.absent": ("The wire process has left no status.", "未找到网关进程的状态文件。"),
    "trouble.absent.next": (
        "It is not running, or it runs with another state folder. Start it with “tdgate run --config FILE”, and give "
        "this console the same file.",
        "进程未运行，或使用了其他状态目录。请用“tdgate run --config 文件”启动，并让本监控台使用同一配置文件。",
    ),
    "trouble.stale": ("The status is old: last written at {at}.", "状态已过期：最后写入时间 {at}。"),
    "trouble.stale.next": (
        "The wire process hangs, was killed, or cannot write its state folder. What is below was true then and may not "
        "be now. See its log on standard error; restart it if it is gone.",
        "网关进程可能已停止、无响应，或无法写入状态目录。以下内容为当时的情况，现在可能已变化。请查看其标准错误日志；若已退出请重新启动。",
    ),
    "trouble.corrupt": ("The status file cannot be read.", "状态文件无法读取。"),
    "trouble.corrupt.next": (
        "Console and wire process may be of different versions, or the console may not read the state folder. Run both "
        "from the same installation and as users that share the folder.",
        "监控台与网关进程的版本可能不一致，或监控台无权读取状态目录。请使用同一安装，并以可共享该目录的用户运行。",
    ),
    "unready.next": (
        "Messages are answered with a temporary refusal or not taken until this is over.",
        "在此期间，消息将被暂缓或不予接收。",
    ),
    "bypass.open": (
        "Bypass open for {account} until {until}: only the floor rules are enforced.",
        "应急放行已开启（{account}），至 {until} 止：仅底线规则仍强制执行。",
    ),
    "bypass.asked": (
        "A bypass for {account} over {minutes} min was asked for; another person has to approve it.",
        "已申请应急放行（{account}，{minutes} 分钟），须由另一人批准。",
    ),
    "bypass.all": ("all accounts", "全部账号"),
    "bypass.people": (
        "Asked for by {asked}, approved by {approved}: {reason}. To end it: tdgate bypass end {id}",
        "申请人 {asked}，批准人 {approved}，事由：{reason}。结束命令：tdgate bypass end {id}",
    ),
    "evidence.failing": (
        "The evidence log cannot be written. Decisions are deferred rather than lost; check the disk.",
        "证据日志无法写入。判定将被暂缓而不会丢失；请检查磁盘。",
    ),
    "figure.allow": ("Permitted", "放行"),
    "figure.deny": ("Refused", "拒绝"),
    "figure.defer": ("Deferred", "暂缓"),
    "figure.refusals": ("Refusals by persons", "用户拒收"),
    "figure.doubts": ("Replies to review", "待复核回复"),
    "figure.doubts.how": ("tdgate optout review list", "tdgate optout review list"),
    "figure.doubts.open": ("Review", "前往复核"),
    "figure.binds": ("Binds", "绑定"),
    "figure.calls": ("Calls now", "当前通话"),
    "figure.evidence": ("Evidence records", "证据记录"),
    "figure.since": ("since the start of this run", "自本次启动以来"),
    "figure.queued": ("{n} waiting for the disk", "{n} 条待写盘"),
    "figure.to_carrier": ("{n} to the carrier", "运营商侧 {n} 条"),
    "decisions": ("Latest decisions", "最新判定"),
    "decisions.hint": ("Open one to see what every rule said.", "点开可查看每条规则的结论。"),
    "decisions.none": ("Nothing has been asked yet.", "尚无请求。"),
    "today": ("The same question today", "按现状重问"),
    "today.hint": (
        "What was recorded stands above. The same account, sender, person, purpose and moment can be asked anew under "
        "the registry and packs of today; text and octets are in no record.",
        "以上为当时记录。可用现有登记与规则包重问同一账户、号码、用户、用途与时刻；内容与报文不入记录。",
    ),
    "today.ask": ("Ask anew", "重问"),
    "today.then": ("Recorded then", "当时记录"),
    "today.now": ("Asked anew today", "按现状重问"),
    "today.compared": ("Compared", "比较"),
    "today.saw": ("Data seen today, basis", "现有数据与依据"),
    "today.same": ("The answer would be the same today.", "按现状重问，结论相同。"),
    "today.differs": ("The answer would differ today.", "按现状重问，结论不同。"),
    "today.recorded_only": (
        "What refused then cannot be asked anew; the record alone tells it.",
        "当时拒绝的依据无法重问，仅以记录为准。",
    ),
    "today.not_asked": ("Nothing could be asked anew", "无法按现状重问"),
    "verdict.same": ("same", "相同"),
    "verdict.differs": ("differs", "不同"),
    "verdict.recorded_only": ("recorded only", "仅有记录"),
    "verdict.today_only": ("not in the record", "记录中无此规则"),
    "why.text": ("text and octets are in no record", "内容与报文不入记录"),
    "why.moment": ("hung on the moment", "取决于当时状态"),
    "why.person": ("recorded under another key of persons", "记录使用其他用户密钥"),
    "why.declared": ("the purpose declared then is not in the record", "当时声明的用途不在记录中"),
    "why.contacts": ("contacts of that time are no longer kept", "当时的联系次数已不保留"),
    "why.account": ("nothing could be asked anew", "无法重问"),
    "why.place": ("asked anew as for somebody somewhere in China", "按中国境内、省份不明重问"),
    "why.bypass": ("a bypass was open then", "当时应急放行开启"),
    "why.unknown": ("of another version of the rules", "规则版本不同"),
    "refusals": ("Persons who refused", "用户拒收"),
    "refusals.hint": (
        "By reply (“TD” and the like) or in a call, by its key or a 607; binding from then on.",
        "来自短信回复（如“TD”）、通话按键或607拒接，即时生效。",
    ),
    "refusals.none": ("Nobody has refused in this run.", "本次运行尚无用户拒收。"),
    "counts": ("Decisions by rule", "各规则判定数"),
    "counts.none": ("No decisions yet.", "尚无判定。"),
    "binds": ("Binds of senders", "发送方绑定"),
    "binds.none": ("No sender is bound.", "当前无发送方绑定。"),
    "routes": ("Carriers", "运营商路由"),
    "routes.none": ("No route is configured.", "未配置路由。"),
    "trunks": ("Calls by trunk", "各中继通话"),
    "gateways": ("Gateways for calls", "语音网关"),
    "gateway.up": ("up", "正常"),
    "gateway.down": ("down", "中断"),
    "gateway.unwatched": ("not watched", "未监测"),
    "gateway.of_trunk": ("towards the trunk", "回呼至中继"),
    "listeners": ("Listening", "监听地址"),
    "listener.smpp": ("SMPP", "SMPP"),
    "listener.sip": ("SIP, UDP", "SIP（UDP）"),
    "listener.sip+tcp": ("SIP, TCP", "SIP（TCP）"),
    "listener.sip+tls": ("SIP,", "SIP"),
    "listener.digits": ("Pressed keys", "按键上报"),
    "evidence": ("Evidence", "证据日志"),
    "evidence.root": ("Merkle root", "默克尔根"),
    "evidence.leaves": ("Records", "记录数"),
    "col.time": ("Time", "时间"),
    "col.answer": ("Answer", "结论"),
    "col.rule": ("Rule and reason", "规则与原因"),
    "col.account": ("Account", "账户"),
    "col.from": ("From", "发送号码"),
    "col.to": ("To", "接收方"),
    "col.purpose": ("Purpose", "用途"),
    "col.person": ("Person", "用户"),
    "col.read": ("Read as", "识别为"),
    "col.closes": ("Closes", "关闭范围"),
    "col.bound_in": ("Bound in", "生效用时"),
    "col.count": ("Count", "数量"),
    "col.principal": ("For", "委托方"),
    "col.kind": ("Kind", "类型"),
    "col.state": ("State", "状态"),
    "col.peer": ("Address", "地址"),
    "col.since": ("Since", "起始时间"),
    "col.route": ("Route", "路由"),
    "col.in_flight": ("In flight", "未应答"),
    "col.in_flight.long": ("Unanswered: sender side / carrier side", "未应答：发送方侧 / 运营商侧"),
    "col.submitted": ("Submitted", "提交"),
    "col.permitted": ("Permitted", "放行"),
    "col.refused": ("Refused", "拒绝"),
    "col.deferred": ("Deferred", "暂缓"),
    "col.replies": ("Replies", "上行"),
    "col.connected": ("Binds", "连接数"),
    "col.trunk": ("Trunk", "中继"),
    "col.group": ("Carrier", "运营商"),
    "col.now": ("Now", "当前"),
    "col.most": ("Most", "峰值"),
    "col.asked": ("Asked", "请求"),
    "col.answered": ("Answered", "接通"),
    "col.declined": ("Declined", "被叫拒接"),
    "col.failed": ("Failed", "失败"),
    "col.cancelled": ("Cancelled", "主叫取消"),
    "col.back": ("Called back", "回呼"),
    "col.turn": ("Order", "次序"),
    "col.turn.long": ("Priority (lower first) / weight", "优先级（小者优先）/ 权重"),
    "col.outcome": ("Outcome", "结果"),
    "col.rule_id": ("Rule", "规则"),
    "col.refuses_when": ("Refuses when", "拒绝情形"),
    "col.cites": ("Serves", "依据"),
    "effect.allow": ("permitted", "放行"),
    "effect.deny": ("refused", "拒绝"),
    "effect.defer": ("deferred", "暂缓"),
    "reason.allow": ("no rule objects", "无规则反对"),
    "shadow": ("shadow", "影子"),
    "shadow.says": ("Would have refused: {rules}", "影子模式下将拒绝：{rules}"),
    "outcome.n/a": ("does not apply", "不适用"),
    "outcome.pass": ("passes", "通过"),
    "outcome.refuse": ("refuses", "拒绝"),
    "outcome.shadow": ("would refuse", "影子拒绝"),
    "outcome.error": ("failed", "出错"),
    "purpose.marketing": ("marketing", "营销"),
    "purpose.collection": ("collection", "催收"),
    "purpose.legal": ("legal notice", "法律文书"),
    "purpose.service": ("service", "服务通知"),
    "purpose.verification": ("verification code", "验证码"),
    "channel.sms": ("SMS", "短信"),
    "channel.voice": ("calls", "电话"),
    "label.optout": ("refusal", "拒收"),
    "label.optin": ("opt-in", "恢复接收"),
    "label.help": ("question", "咨询"),
    "label.none": ("none", "无"),
    "floor": ("floor", "底线"),
    "floor.says": ("Never in shadow", "不可置于影子模式"),
    "decided": ("decided", "决定性"),
    "yes": ("yes", "是"),
    "draining": ("draining", "排空中"),
    "decision.title": ("Decision {id}", "判定 {id}"),
    "decision.back": ("All decisions", "返回"),
    "decision.next": ("What to do", "处理建议"),
    "decision.facts": ("What was asked", "请求信息"),
    "decision.rules": ("What every rule said", "各规则结论"),
    "decision.no_rules": (
        "It was answered before any rule was asked, or the rule table of that run is not at hand.",
        "在询问规则之前已作出答复，或该次运行的规则表不可用。",
    ),
    "decision.pack": ("Rule pack", "规则包"),
    "decision.pack.now": ("Rule pack in force", "当前规则包"),
    "decision.revision": ("Registry revision", "登记版本"),
    "decision.leaf": ("Evidence record", "证据序号"),
    "decision.person": ("Pseudonym", "用户代号"),
    "decision.fate": ("At the carrier", "运营商结果"),
    "decision.case": ("Case", "情形"),
    "decision.channel": ("Channel", "渠道"),
    "decision.more": ("Open on a page of its own", "在单独页面打开"),
    "missing.404": ("There is no decision with this id.", "没有该编号的判定。"),
    "missing.404.next": (
        "It is neither among the latest nor in the evidence log of this console's configuration. The newest ones reach "
        "the log after a moment.",
        "既不在最新判定中，也不在本配置的证据日志中。最新的判定稍后才会写入日志。",
    ),
    "missing.400": ("This is not the id of a decision.", "这不是有效的判定编号。"),
    "missing.400.next": (
        "An id is up to 16 hex digits, as shown on the first page.",
        "编号为首页所示的至多16位十六进制数。",
    ),
    "missing.503": ("The evidence log cannot be searched now.", "暂时无法检索证据日志。"),
    "missing.503.next": (
        "Try again in a moment. If it stays, see the console's log.",
        "请稍后重试；若持续出现，请查看监控台日志。",
    ),
    "foot.times": ("Times are China Standard Time (UTC+8).", "时间均为北京时间（UTC+8）。"),
    "foot.masked": ("Numbers of persons are masked; texts are not kept.", "用户号码已脱敏，不保存短信内容。"),
    "foot.seen": ("Status of {at}", "状态时间 {at}"),
    "foot.rows": (
        "Rows such as Z16 are summaries of the notices made from a press translation, not their official words.",
        "Z16等条目为依据新闻译文的概括，并非官方原文。",
    ),
}

TEXTS: Final[dict[Lang, dict[str, str]]] = {
    "en": {key: pair[0] for key, pair in _TEXTS.items()},
    "zh": {key: pair[1] for key, pair in _TEXTS.items()},
}


def choose(asked: str, accepts: str) -> Lang:
    """The language for a reader: the one asked for, else the better one of Accept-Language, else English."""
    if asked:
        return "zh" if asked.lower().startswith("zh") else "en"
    best: tuple[float, Lang] = (0.0, "en")
    for offer in accepts.split(",")[:20]:
        tag, _, parameter = offer.strip().partition(";")
        lang: Lang | None = "zh" if tag.lower().startswith("zh") else "en" if tag.lower().startswith("en") else None
        weight = _weight(parameter)
        if lang is not None and weight > best[0]:
            best = (weight, lang)
    return best[1]


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
