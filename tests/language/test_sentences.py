"""Sentences: patterns over classes of words, clause by clause, in linear time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.language.folding import atoms, fold
from proxy.language.grammar import Grammar, GrammarError, load_grammar
from proxy.language.sentences import read_sentences
from proxy.optout_parser import READ_LIMIT, parse
from tests.tools.shipped import read_reply, shipped_vocabulary

pytestmark = pytest.mark.unit

VOCABULARY = shipped_vocabulary()


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("麻烦你们今后别再往我手机上发这些", "sms"), ("stop sending me this rubbish", "sms"),
        ("再打过来我就报警", "voice"), ("text me again and I will sue", "sms"),
        ("有事发短信，电话别打", "voice"), ("有事打电话短信别发", "sms"), ("短信、电话一律拒绝", "all"),
        ("把我的号码从名单里删掉", "all"), ("这个号码已换人，请别再发短信", "sms"), ("本人撤回全部授权", "all"),
        ("why dont you stop texting me", "sms"), ("别.再.发.了", "sms"), ("stooooop texting me", "sms"),
        ("请勿再傳簡訊", "sms"), ("ne m’appelez plus", "voice"), ("もう送らないでください", "sms"),
        ("не звоните больше", "voice"),
        ("没钱不借别发", "sms"), ("别再推销信用卡广告", "sms"), ("s.t.o.p. texting", "sms"), ("我回T", "sms"),
    ],
)  # fmt: skip
def test_refusals_in_sentences_and_what_they_name(text: str, scope: str) -> None:
    assert read_reply(text) == ("optout", scope)


@pytest.mark.parametrize(
    "text",
    [
        "别把我退订了", "please don't stop texting", "我要退掉这张信用卡", "stop my direct debit", "别寄账单到公司",
        "别的贷款呢", "明天再打电话", "晚上别打，明天再打", "朋友已经退订了", "自动回复：请勿回复本短信",
        "TD是什么意思", "A T D", "拒收率是多少", "重新发送验证码", "我不同意这个还款方案", "【TDK】电容多少钱一个呢",
        "keep the change", "he said stop", "我被拉黑怎么办呢",
    ],
)  # fmt: skip
def test_what_is_no_refusal_of_messages(text: str) -> None:
    assert read_reply(text) == ("none", None)


@pytest.mark.parametrize(
    "text", ["怎么才能不收短信", "是回T还是回TD退订？", "你们到底是哪家公司", "how do I stop these", "请回个电话"]
)
def test_questions_and_requests_for_a_person_are_help(text: str) -> None:
    assert read_reply(text) == ("help", None)


@pytest.mark.parametrize("text", ["误退订了，请恢复短信", "取消之前的退订", "please start sending me texts again"])
def test_wishes_in_sentences(text: str) -> None:
    assert read_reply(text) == ("optin", "sms")


@pytest.mark.parametrize(
    "text", ["恢复短信有用吗？", "不要恢复推送", "重新申请贷款", "恢复额度", "continue", "怎么重新订阅"]
)
def test_what_is_no_clear_wish_opens_nothing(text: str) -> None:
    assert read_reply(text)[0] != "optin"


def test_a_refusal_wins_over_a_question_and_weighs_less_beside_a_wish() -> None:
    assert read_reply("你是谁？别再发了")[0] == "optout"
    assert parse("别再发了，恢复短信", VOCABULARY).confidence < parse("别再发短信", VOCABULARY).confidence


@given(
    st.lists(
        st.sampled_from([*"别不要再发打收退订怎么短信电话了吗tr", "stop", " ", ",", "?", "send", "no", "call"]),
        max_size=400,
    )
)
def test_any_mixture_of_the_words_is_read_within_bounds(parts: list[str]) -> None:
    assert VOCABULARY.grammar is not None
    text = "".join(parts)[:READ_LIMIT]
    said = read_sentences(atoms(fold(text)), VOCABULARY.grammar)
    assert said is None or (said.scope is None) == (said.say not in ("optout", "optin"))


class _Counting(dict[str, int]):
    """Words that count how often they are asked for."""

    asked = 0

    def get(self, key: str, default: int | None = None) -> int | None:  # type: ignore[override]
        self.asked += 1
        return super().get(key, default)


@pytest.mark.parametrize("unit", ["别", "不要再", "stop ", "不 要,", "do not ", "t ", "怎么样才", "别再再再再"])
def test_the_work_grows_with_the_length_and_no_faster(unit: str) -> None:
    grammar = VOCABULARY.grammar
    assert grammar is not None
    asked = []
    for times in (20, 40, 80):
        words = _Counting(grammar.words)
        counted = Grammar(**{name: getattr(grammar, name) for name in Grammar.__struct_fields__} | {"words": words})
        read_sentences(atoms(fold(unit * times)), counted)
        asked.append(words.asked)
    assert asked[2] - asked[1] <= 2 * (asked[1] - asked[0]) + 8


@pytest.mark.parametrize(
    ("table", "where"),
    [
        ([], "sentences"), ({"class": {}}, "sentences.class"), ({"classes": {"neg": "别"}}, "sentences.classes.neg"),
        ({"classes": {"neg": ["！"]}}, "sentences.classes.neg[0]"),
        ({"classes": {"a": ["b"]}, "scopes": {"sms": ["c"]}}, "sentences.scopes.sms"),
        ({"classes": {"a": ["b"]}, "pattern": [{"say": "no"}]}, "sentences.pattern[0]"),
        ({"classes": {"a": ["b"]}, "pattern": [{"say": "help"}]}, "sentences.pattern[0]"),
        ({"classes": {"a": ["b"]}, "pattern": [{"say": "help", "steps": ["c"]}]}, "sentences.pattern[0].steps"),
        ({"classes": {"a": ["b"]}, "pattern": [{"say": "help", "steps": ["a"], "gap": 99}]}, "sentences.pattern[0]"),
        ({"classes": {"a": ["b"]}, "pattern": [{"say": "help", "steps": ["a"], "x": 1}]}, "sentences.pattern[0]"),
    ],
)  # fmt: skip
def test_a_wrong_grammar_names_its_place(table: object, where: str) -> None:
    with pytest.raises(GrammarError) as caught:
        load_grammar(table)
    assert caught.value.key == where


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("蹆订", "sms"), ("请不耍再发短信", "sms"), ("tui订", "sms"), ("qing tuiding", "sms"), ("锯收短芯", "sms"),
        ("不停我就投诉", "sms"), ("不是退订了吗", "sms"), ("明明已经TD了", "sms"), ("怎么还收到你们短信", "sms"),
        ("再给我打，法庭见", "voice"), ("短信别发电话别打", "all"), ("your STOP doesnt work", "sms"), ("退了吧", "sms"),
    ],
)  # fmt: skip
def test_sounds_complaints_and_conditions_are_refusals(text: str, scope: str) -> None:
    assert read_reply(text) == ("optout", scope)


@pytest.mark.parametrize(
    "text",
    [
        "推定责任", "我取笑他", "接手项目", "TDD", "谁让你们恢复推送的", "若继续推送，保留追责权利", "为什么把我退订了",
        "取消了吗", "why did you stop texting", "被拒绝了", "停电了手机没电",
    ],
)  # fmt: skip
def test_words_of_their_own_and_conditions_are_neither_refusals_nor_wishes(text: str) -> None:
    assert read_reply(text)[0] not in ("optin",)
    if "继续" not in text:
        assert read_reply(text) == ("none", None)


GRAMMAR = VOCABULARY.grammar
assert GRAMMAR is not None


@given(st.data())
def test_the_sieve_leaves_what_classes_allow(data: st.DataObject) -> None:
    grammar = GRAMMAR
    assert grammar is not None
    masks = st.lists(st.sampled_from(sorted(set(grammar.words.values()))), min_size=1, max_size=4)
    mask = 0
    for each in data.draw(masks):
        mask |= each
    text = mask
    for each in data.draw(st.lists(st.sampled_from(sorted(set(grammar.words.values()))), max_size=3)):
        text |= each
    left = grammar.sieve.left(mask, text)
    for i, pattern in enumerate(grammar.patterns):
        needs = (*pattern.steps, *pattern.every)[:3]
        allowed = not mask & pattern.unless and not text & pattern.unless_text and all(mask & need for need in needs)
        assert bool(left >> i & 1) == allowed, pattern.name


_MANY = "".join(chr(0x4E00 + i) for i in range(30))
_SOUNDS = {"classes": {"strong": ["退订"]}, "pattern": [{"say": "optout", "steps": ["strong"]}]}


@pytest.mark.parametrize(
    ("sounds", "key"),
    [
        ({"拒收": ["距", "手"]}, "sentences.sounds.拒收"),
        ({"退订": ["推"]}, "sentences.sounds.退订"),
        ({"退订": [_MANY, _MANY]}, "sentences.sounds.退订"),
        ({"退订": "推丁"}, "sentences.sounds.退订"),
    ],
)  # fmt: skip
def test_a_wrong_table_of_sounds_is_told(sounds: object, key: str) -> None:
    with pytest.raises(GrammarError) as told:
        load_grammar(_SOUNDS | {"sounds": sounds})
    assert told.value.key == key


def test_a_word_of_its_own_is_no_other_words_sound() -> None:
    grammar = load_grammar(_SOUNDS | {"sounds": {"退订": ["推 tui", "丁"], "real": ["推订"]}})
    assert {"推 丁", "tui 订", "退 丁"} <= set(grammar.words)
    assert "推 订" not in grammar.words


@pytest.mark.parametrize(
    ("text", "scope", "keeps"),
    [
        ("有话发短信，别打过来", "voice", "sms"), ("有事发短信就行，别打电话", "voice", "sms"),
        ("no calls please, text is fine", "voice", "sms"),
        ("短信别发，有事打电话", "sms", "voice"), ("stop texting, call me instead", "sms", "voice"),
        ("别打电话了", "voice", None), ("给我发短信说我欠钱，别打了", "voice", None),
        ("电话别打，短信不可以", "all", None),
        ("短信可以吗？电话别打", "voice", None), ("电话打了几十个，短信又发，别打了", "voice", None),
        ("TD", "sms", None),
    ],
)  # fmt: skip
def test_a_channel_is_kept_only_where_that_is_said(text: str, scope: str, keeps: str | None) -> None:
    reading = parse(text, VOCABULARY)
    assert (reading.label, reading.scope, reading.keeps) == ("optout", scope, keeps)
