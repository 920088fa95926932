"""The words on the pages of review, in English and Chinese, added to those of the console. Pure."""

from typing import Final

from proxy.console.texts import TEXTS, Lang

#: key: (English, Chinese). `{…}` are filled in by the page.
_WORDS: Final[dict[str, tuple[str, str]]] = {
    "enter": ("Sign in", "登录"),
    "enter.hint": (
        "With the token that was made for you by name. It opens the pages of its institution; further tokens open "
        "further institutions.",
        "请使用以本人姓名签发的令牌登录，可查看令牌所属机构；追加令牌可查看更多机构。",
    ),
    "enter.how": (
        "Whoever administers tdgate makes it: tdgate token create --institution ID --scopes "
        "templates:submit,templates:review,doubts:review --until YYYY-MM-DD --label NAME --by NAME",
        "由管理员签发：tdgate token create --institution 机构编号 --scopes "
        "templates:submit,templates:review,doubts:review --until YYYY-MM-DD --label 姓名 --by 管理员",
    ),
    "token": ("Token", "令牌"),
    "add": ("Add an institution", "追加机构"),
    "leave": ("Sign out", "退出"),
    "signed": ("{name}, for {institutions}", "{name}（{institutions}）"),
    "yes.passed": ("Passed.", "已通过。"),
    "yes.rejected": ("Rejected. The next message of this wording is refused.", "已驳回，即刻起拒绝该内容。"),
    "yes.submitted": ("Submitted; somebody else reviews it.", "已提交，由另一人审核。"),
    "yes.confirmed": ("Confirmed: it was a refusal.", "已确认为拒收。"),
    "yes.dismissed": ("Dismissed: it was no refusal.", "已认定并非拒收。"),
    "yes.entered": ("Signed in.", "已登录。"),
    "no.refused": ("Nothing was changed", "未作更改"),
    "no.away": (
        "tdgate is not running, or did not answer. Look again before you repeat it.",
        "网关未运行或未应答，请刷新确认后再重试。",
    ),
    "no.form": ("This form has run out. Please send it again.", "表单已过期，请重新提交。"),
    "no.sight": (
        "This is not one of your institutions, or your tokens do not allow it.",
        "不属于您的机构，或令牌无此权限。",
    ),
    "no.token": ("This is no valid token.", "令牌无效。"),
    "no.scope": ("This token opens none of these pages.", "该令牌不可用于审核页面。"),
    "no.private": (
        "Tokens are taken over TLS or on a loopback address only.",
        "令牌仅可经 TLS 或本机地址使用。",
    ),
    "no.checklist": ("Tick what was checked.", "请勾选核对项目。"),
    "no.reason": ("Say why.", "请填写原因。"),
    "no.second": (
        "That a reply was no refusal takes two people: the second person's token is needed.",
        "认定并非拒收须两人，请第二人输入令牌。",
    ),
    "no.store": ("The store cannot be read.", "登记库无法读取。"),
    # Templates.
    "templates": ("Templates", "短信模板"),
    "templates.lead": (
        "What passed since tdgate started, by wording, and the wordings that are on record to be reviewed.",
        "自本次启动以来通过网关的短信（按模板归并），以及登记待审的模板。",
    ),
    "wait": ("Waiting for review", "待审核"),
    "wait.none": ("Nothing waits for review.", "暂无待审核模板。"),
    "wait.hint": (
        "One person submits, another passes or rejects, by a checklist (Z5).",
        "提交人与审核人须为不同的人，审核须逐项核对（Z5）。",
    ),
    "record": ("On record", "已登记模板"),
    "record.none": ("No wording is on record.", "尚无登记模板。"),
    "record.hint": (
        "A rejected wording is refused under every rule pack. Where the pack names template.unreviewed, only what was "
        "passed goes out.",
        "驳回的模板在任何规则包下均被拒绝；规则包列明 template.unreviewed 时，须经审核通过方可发送。",
    ),
    "passed": ("As they passed", "通过情况"),
    "passed.hint": (
        "Figures, names before a title, telephones and links are masked. A wording is shown once five persons got it, "
        "and never where it tells of somebody else's debt.",
        "数字、称谓前姓名、电话、链接均已掩去；同一内容发给五人以上才显示，涉及他人债务者不显示。",
    ),
    "passed.none": ("No template has passed that this page may show.", "暂无可显示的模板。"),
    "passed.none.filter": ("No template fits what is asked for.", "没有符合条件的模板。"),
    "passed.more": ("{n} more are not listed.", "另有 {n} 个未列出。"),
    "hidden": (
        "Not shown: it went to few persons, or tells of somebody's debt.",
        "不显示：接收人较少，或涉及债务信息。",
    ),
    "f.institution": ("Institution", "机构"),
    "f.account": ("Account", "账户"),
    "f.category": ("Category", "类别"),
    "f.verdict": ("Findings", "识别结果"),
    "f.state": ("Review", "审核状态"),
    "f.all": ("all", "全部"),
    "f.show": ("Show", "筛选"),
    "f.clear": ("Show all", "清除条件"),
    "verdict.clear": ("nothing found", "未见问题"),
    "verdict.against": ("something found", "有问题"),
    "state.none": ("not on record", "未登记"),
    "state.draft": ("draft", "草稿"),
    "state.submitted": ("waiting", "待审核"),
    "state.reviewed": ("passed", "已通过"),
    "state.rejected": ("rejected", "已驳回"),
    "category.marketing": ("marketing", "营销"),
    "category.collection": ("collection", "催收"),
    "category.service": ("service", "服务通知"),
    "category.verification": ("verification code", "验证码"),
    "category.fraud": ("fraud", "涉诈"),
    "mark.has_identity": ("identity", "身份"),
    "mark.has_contact": ("contact", "联系方式"),
    "mark.has_product": ("product", "产品"),
    "mark.has_refusal": ("way to refuse", "退订方式"),
    "mark.discloses_debtor": ("tells of a debtor", "泄露债务人"),
    "mark.threatens": ("threat", "威胁"),
    "mark.insults": ("insult", "侮辱"),
    "col.wording": ("Wording", "内容"),
    "col.where": ("Institution and number", "机构与号码"),
    "col.messages": ("Messages", "条数"),
    "col.when": ("First, latest", "首次、最近"),
    "col.reads": ("Read as", "识别为"),
    "col.findings": ("Findings of the latest", "最近一条的问题"),
    "col.review": ("Review", "审核"),
    "col.purposes": ("For", "用途"),
    "col.do": ("To do", "操作"),
    "against": ("in {n} of {all}", "{all} 条中 {n} 条"),
    "by.submitted": ("submitted by {name}", "提交人：{name}"),
    "by.reviewed": ("by {name}", "审核人：{name}"),
    "messages.of": ("{n} messages", "{n} 条"),
    "do.pass": ("Pass", "通过"),
    "do.reject": ("Reject", "驳回"),
    "do.submit": ("Submit for review", "提交审核"),
    "do.again": ("Submit again", "重新提交"),
    "do.again.hint": ("It is out of force until somebody else passes it.", "重新审核通过前不作为已审核模板。"),
    "do.other": ("You submitted it: somebody else reviews it.", "由您提交，须另一人审核。"),
    "do.record": ("Put on record", "登记"),
    "do.record.hint": (
        "Write the wording out: telephones and links exactly as the messages have them, {digits}, {amount}, {date}, "
        "{code} and {name} where texts differ. It is submitted for review at once; to have a wording refused, put it "
        "on record and have somebody reject it.",
        "请按短信原样补全电话与链接，可变处写作 {digits}、{amount}、{date}、{code}、{name}；登记后即待审核。"
        "如需禁止该内容，登记后由另一人驳回即可。",
    ),
    "field.id": ("Id of the template", "模板编号"),
    "field.text": ("Wording", "内容"),
    "field.purposes": ("For", "用途"),
    "field.reason": ("Reason", "原因"),
    "field.note": ("Note", "备注"),
    "field.checklist": ("Checked", "已核对"),
    "check.identity": ("who it is from", "发送主体"),
    "check.contact": ("telephone", "联系电话"),
    "check.product": ("product and rates", "产品与费率"),
    "check.refusal": ("way to refuse", "退订方式"),
    "check.honest": ("nothing that misleads", "无误导表述"),
    "check.privacy": ("nothing of others", "不涉及他人信息"),
    "var.name": ("a name: four Han characters, or 24 Latin letters", "姓名：至多4个汉字或24个拉丁字母"),
    "var.digits": ("up to 20 digits, no telephone", "至多20位数字，不得为电话"),
    "var.amount": ("a sum of up to 14 characters", "金额，至多14个字符"),
    "var.date": ("a date or time of up to 19 characters", "日期或时间，至多19个字符"),
    "var.code": ("4 to 8 digits", "4至8位数字"),
    "var.figures": (
        "figures; as many digits as in a text that was read in full, no telephone",
        "数字：位数同已完整识别的短信，不得为电话",
    ),
    "var.phone": ("a telephone: only the one that was read", "电话：仅限已识别的号码"),
    "var.link": ("a link: only the one that was read", "链接：仅限已识别的链接"),
    "legend": ("What a variable may hold", "变量可容内容"),
    "legend.all": (
        "Whatever a variable holds, a text in which it reads as a telephone, a link, a signature, a way to refuse or a "
        "phrase of the table is judged anew.",
        "变量内容若被识别为电话、链接、签名、退订方式或词表用语，该短信即重新完整判定。",
    ),
    # Replies.
    "replies": ("Replies to review", "待复核回复"),
    "replies.lead": (
        "Replies that careful readers may read differently. Until somebody decides they count as configured, as "
        "refusals unless said otherwise (Z16 Z19).",
        "不同人可能有不同理解的回复；裁定前按配置处理，默认视为拒收（Z16 Z19）。",
    ),
    "replies.none": ("No reply waits for a verdict.", "暂无待裁定回复。"),
    "replies.hint": (
        "The words are shown to who says why; that is noted first (J13).",
        "查看原文须填写理由，并先行留痕（J13）。",
    ),
    "replies.more": ("Decide these; further ones follow.", "处理后显示后续条目。"),
    "col.case": ("Case", "编号"),
    "col.confidence": ("Confidence", "置信度"),
    "col.meanwhile": ("Meanwhile", "裁定前"),
    "col.institutions": ("Institutions", "机构"),
    "col.received": ("Received", "收到次数"),
    "meanwhile.yes": ("counts as a refusal", "视为拒收"),
    "meanwhile.no": ("does not count", "不视为拒收"),
    "do.read": ("Read", "查看原文"),
    "read.why": ("Why it is read", "查看理由"),
    "read.default": ("review of the reply", "复核回复"),
    "case": ("Reply {id}", "回复 {id}"),
    "case.text": ("What the person wrote", "用户原文"),
    "case.back": ("All replies", "返回"),
    "do.confirm": ("It was a refusal", "确认为拒收"),
    "do.dismiss": ("It was no refusal", "认定并非拒收"),
    "do.dismiss.hint": (
        "It ends what kept messages away, so two people decide: the second person enters their own token.",
        "将恢复发送，须两人裁定：请第二人输入本人令牌。",
    ),
    "field.second": ("Token of the second person", "第二人令牌"),
    "foot.review": (
        "What is decided here binds on the next message and is in the evidence, under the name of your token.",
        "在此作出的决定对下一条短信即刻生效，并以令牌姓名写入证据日志。",
    ),
}

ALL: Final[dict[Lang, dict[str, str]]] = {
    "en": TEXTS["en"] | {key: pair[0] for key, pair in _WORDS.items()},
    "zh": TEXTS["zh"] | {key: pair[1] for key, pair in _WORDS.items()},
}
#: What is checked before a template is passed; on record in both languages.
CHECKS: Final[dict[str, str]] = {
    key.removeprefix("check."): f"{pair[1]} {pair[0]}" for key, pair in _WORDS.items() if key.startswith("check.")
}
