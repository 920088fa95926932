"""Known templates: whatever a text of theirs holds, it is read as in full; and the memory is bounded."""

import random
import re
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.messages.corpus import read
from proxy.language import content, disclosure, marks, refusal_line, refusal_terms, slots, templates
from proxy.language.content import read_content
from proxy.language.slots import Names
from proxy.language.templates import Templates
from proxy.language.views import shows_itself
from tests.tools.example_budget import examples
from tests.tools.naming import case_of
from tests.tools.shipped import shipped_lexicon

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
LEXICON = shipped_lexicon()
OWNER = ("jianglan", "10690001")

#: Messages with what varies in braces: names and figures.
SENTENCES = (
    "【江澜银行】尊敬的{王}先生，“安居贷”年化3.9%起，编号{20261122}，预估额度{3500}元，咨询400-000-1001，回T退订",
    "【江澜银行】{尤}女士，尾号{7788}客户专享“税易贷”年化4.6%起，凭{1234}-{5678}到店，400-000-1001，拒收请回复R",
    "【江澜银行】您尾号{7788}的账户于{11}月{22}日{09}:{30}支出{1280.50}元，余额{9300.00}元",
    "【云岫消费金融】{赵六}您好，您的账单{3500}元已逾期{12}天，请致电400-000-1002处理",
    "【江澜银行】验证码{410022}，{5}分钟内有效，请勿泄露",
    "【江澜银行】{陈晨}女士，您的工单{20261122001}已受理，{3}个工作日内回复",
)
HOSTILE = (
    "13800138000", "400-000-1009", "95001", "9512-3456", "100-86", "12345", "0571-88888888", "0000", "2", "618",
    "12123", "95123", "逾期", "骗子", "他", "您朋友", "转告", "小额贷", "退订", "拒收", "贷款", "老赖", "担保人",
    "幺三八零", "http://1.2.3.4", "jianglan.example.evil.cn", "【越湖证券】", "回T退订", "回2退订", "去死", "公安局",
    "1折", "花呗",
)  # fmt: skip


def taught(text: str, times: int = 2) -> Templates:
    """A memory that has seen a text so often."""
    memory = Templates(LEXICON)
    for _ in range(times):
        memory.read(OWNER, text)
    return memory


def plain(sentence: str) -> str:
    return sentence.replace("{", "").replace("}", "")


def same(memory: Templates, text: str) -> bool:
    """Whether the memory answers what a full reading answers; tells whether it knew the text."""
    found, known = memory.read(OWNER, text)
    assert found == read_content(text, LEXICON)
    return known is not None


def test_a_text_is_known_from_its_second_time_on_whatever_its_figures_and_name() -> None:
    memory = Templates(LEXICON)
    first = "【江澜银行】尊敬的王先生，“安居贷”年化3.9%起，编号31000001，400-000-1001，回T退订"
    other = "【江澜银行】尊敬的吴先生，“安居贷”年化4.2%起，编号77345678，400-000-1001，回T退订"
    assert memory.read(OWNER, first)[1] is None
    assert memory.read(OWNER, first)[1] is not None
    assert memory.known(OWNER, other) is not None
    assert same(memory, other)
    assert memory.known(("jianglan", "10690002"), other) is None
    assert memory.known(("yunxiu", "10690001"), other) is None


def test_a_name_varies_behind_a_signature_and_behind_a_comma_too() -> None:
    for before in ("【江澜银行】", "【江澜银行】您好，"):
        first = before + "吴女士，尾号1234客户专享“税易贷”年化4.6%起，400-000-1001，拒收请回复R"
        other = before + "韩女士，尾号5678客户专享“税易贷”年化4.6%起，400-000-1001，拒收请回复R"
        memory = taught(first)
        assert memory.known(OWNER, other) is not None, before
        assert same(memory, other)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_no_variable_holds_what_a_reader_would_see(sentence: str) -> None:
    # Each with every sentence, by `make check` with two of the six.
    step = max(1, 45 // examples(1.0))
    for hostile in HOSTILE[SENTENCES.index(sentence) % step :: step]:
        with case_of(hostile):
            check_no_variable_holds(sentence, hostile)


def check_no_variable_holds(sentence: str, hostile: str) -> None:
    memory = taught(plain(sentence))
    for match in re.finditer(r"\{([^}]*)\}", sentence):
        before, after = plain(sentence[: match.start()]), plain(sentence[match.end() :])
        held = match.group(1)
        for value in (hostile, held[:1] + hostile, (hostile * 20)[: len(held)]):
            same(memory, before + value + after)
    text = plain(sentence)
    # At every ninth place, by `make check` at every thirty-sixth.
    step = max(9, 540 // examples(1.0))
    for at in range(len(hostile) % step, len(text) + 1, step):
        same(memory, text[:at] + hostile + text[at + at % 2 * len(hostile) :])


@settings(max_examples=examples(1.0))
@given(st.sampled_from(SENTENCES), st.randoms(use_true_random=False))
def test_any_value_of_a_variable_is_read_as_in_full(sentence: str, source: random.Random) -> None:
    memory = taught(plain(sentence))
    figures, names = "0123456789259012", "王李伟志强欧阳娜晨丽华八十某他家花贷期退前友限幺零"

    def other(match: re.Match[str]) -> str:
        letters = figures if match.group(1)[0].isdigit() else names
        return "".join(char if char in ".-" else source.choice(letters) for char in match.group(1))

    for _ in range(8):
        same(memory, re.sub(r"\{([^}]*)\}", other, sentence))


def test_the_whole_corpus_and_its_mutations_are_read_as_in_full() -> None:
    source = random.Random(11)
    memory = Templates(LEXICON)
    texts = [message.text for part in ("train", "blind") for message in read(part)]
    knew = 0
    for text in source.sample(texts, 300):
        for turn in range(4):
            other = re.sub("[0-9]", lambda _: source.choice("01234567890259"), text) if turn > 1 else text
            knew += same(memory, other)
    assert knew > 500, "the memory was not asked"


@pytest.mark.parametrize(
    "text",
    [
        "【江澜银行】尊敬的\ue000先生，编号31000001",
        "\xff【江澜银行】尊敬的王先生",
        "\udc80尊敬的王先生，编号31000001",
        "王先生",
        "先生",
        "",
    ],
)
def test_texts_that_look_like_masks_are_none(text: str) -> None:
    memory = taught("【江澜银行】尊敬的王先生，编号31000001")
    for _ in range(3):
        same(memory, text)


def test_patterns_know_no_figures_but_those_that_are_asked_about() -> None:
    # A pattern that is new here and names digits has to be thought of in `slots`.
    rooms: tuple[ModuleType, ...] = (content, disclosure, marks, refusal_line, refusal_terms)
    naming = set()
    for room in rooms:
        for name, value in vars(room).items():
            if isinstance(value, re.Pattern):
                bare = re.sub(r"\{\d+(,\d*)?\}|\[[^\]]*\]|\\x..|\\u....", "", value.pattern)
                if re.search(r"\d", bare):
                    naming.add(f"{room.__name__.rpartition('.')[2]}.{name}")
    assert naming == {"marks.PHONE", "refusal_line._FORWARD", "refusal_line._BARE"}
    assert {"朋", "借", "订", "零"} <= slots._named_characters(LEXICON)


def test_every_character_of_a_telephone_is_one_that_stretches_are_made_of() -> None:
    for char in map(chr, (*range(0x3100), 0x4E00, 0x4E03, 0xFF10, 0xFF0B)):
        for text in (
            f"1{char}3800138000",
            f"400{char}0001001",
            f"{char}13800138000",
            f"95{char}123",
            f"010{char}88888888",
        ):
            match = marks.PHONE.search(text)
            if match is not None and char in match.group():
                assert char in slots._OF_PHONES or not shows_itself(char)


def test_a_telephone_of_nine_digits_and_fewer_begins_as_short_numbers_do() -> None:
    source = random.Random(7)
    for number in range(10**5):
        digits = f"{number:05}"
        assert marks.PHONE.search(digits) is None or digits.startswith(slots._SHORT_NUMBERS)
    found = 0
    for _ in range(40_000):
        size = source.randint(5, slots._SHORT_MOST)
        pieces = [source.choice("0123456789") for _ in range(size)]
        pieces[:2] = source.choice(("95", "9-6", "10", "1(2", "40", "0 ", "80", "23"))
        for _ in range(source.randrange(4)):
            at = source.randrange(len(pieces))
            pieces[at] = source.choice("-. |_()\0") + pieces[at]
        signs = "".join(pieces)
        match = marks.PHONE.search(signs)
        if match is not None:
            found += 1
            run = re.match("[0-9]+", match.group())
            assert run is not None, signs
            assert run[0].startswith(("9", "1") if len(run[0]) == 1 else slots._SHORT_NUMBERS), signs
    assert found > 2_000


def test_figures_that_are_said_to_be_no_telephone_vary_whatever_their_form() -> None:
    sentence = "【江澜银行】尊敬的王先生，“安居贷”年化3.9%起，编号{}，咨询400-000-1001，回T退订"
    memory = taught(sentence.format("31000001"))
    for figures in ("95123456", "96123400", "00000000"):
        assert memory.known(OWNER, sentence.format(figures)) is not None
        assert same(memory, sentence.format(figures))
    unlucky = taught(sentence.format("95123456"))
    assert unlucky.known(OWNER, sentence.format("31000001")) is not None
    bare = sentence.replace("编号", "专线")
    memory = taught(bare.format("31000001"))
    assert memory.known(OWNER, bare.format("32000001")) is not None
    assert memory.known(OWNER, bare.format("95123456")) is None
    # A telephone that is called from anywhere counts, whatever it is called.
    memory = taught(sentence.format("31000000001"))
    assert memory.known(OWNER, sentence.format("31000000002")) is not None
    assert memory.known(OWNER, sentence.format("13800138000")) is None


def test_what_does_not_fit_is_looked_at_a_few_times_and_does_not_drive_out_what_fits_most() -> None:
    sentence = "【江澜银行】尊敬的王先生，“安居贷”年化3.9%起，编号{}，咨询400-000-1001，回T退订"
    memory = taught(sentence.format("31000001"))
    for number in range(40):
        # A phrase of the table stands in each.
        assert memory.known(OWNER, sentence.format(f"12123{number:03}")) is None
        same(memory, sentence.format(f"12123{number:03}"))
        assert memory.known(OWNER, sentence.format(f"3100{number:04}")) is not None
    (shelf,) = memory._shelves.values()
    assert max(len(held.known) for held in shelf.recent.values()) <= templates._ALIKE
    # What comes again word for word is learnt all the same: one text to many.
    again = sentence.format("12123999")
    assert [memory.read(OWNER, again)[1] is not None for _ in range(3)] == [False, True, True]
    assert memory.known(OWNER, again) is not None


def test_a_memory_is_bounded_for_each_owner_and_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "_MASKS", 8)
    monkeypatch.setattr(templates, "_ONCE", 16)
    monkeypatch.setattr(templates, "_TEMPLATES", 6)
    monkeypatch.setattr(templates, "_ALL", 40)
    monkeypatch.setattr(templates, "_OWNERS", 5)
    memory = Templates(LEXICON)
    words = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉"
    for owner in range(12):
        for word in words:
            for _ in range(2):
                memory.read((str(owner), "1"), f"【江澜银行】{word}")
    shelves = memory._shelves
    assert len(shelves) <= 5
    for shelf in shelves.values():
        assert len(shelf.recent) <= 8
        assert len(shelf.former) <= 8
        assert len(shelf.once) <= 16
        assert len(shelf.templates) <= 6
    assert sum(len(shelf.recent) + len(shelf.former) for shelf in shelves.values()) <= 40 + 16


def test_what_is_used_outlives_what_is_not() -> None:
    memory = taught("【江澜银行】温馨提示")
    for number in range(700):
        for _ in range(2):
            memory.read(OWNER, f"【江澜银行】{chr(0x4E00 + number)}")
        assert memory.known(OWNER, "【江澜银行】温馨提示") is not None


def test_a_template_counts_and_shows_no_figure_and_no_name() -> None:
    memory = Templates(LEXICON)
    for number in range(8):
        text = (
            f"【江澜银行】尊敬的王先生，请于{10 + number}日还款{1000 + number}.50元，400-000-1001，https://jl.example/1"
        )
        _, known = memory.read(OWNER, text)
        if known is not None:
            known.judged((), "jl", number, 100.0 + number)
    for _ in range(2):
        memory.read(OWNER, "【江澜银行】尊敬的欧阳先生，请于1日还款9.50元，400-000-1001，https://jl.example/1")
    (one,) = memory.listed()
    assert one.shape == "【江澜银行】尊敬的{name}先生，请于{figures}日还款{figures}元，{phone}，{link}"
    assert (one.seen, one.against, one.accounts, one.first, one.last) == (7, 0, {"jl": 7}, 101.0, 107.0)
    assert one.is_shown
    assert one.content == read_content(text, LEXICON)


def test_a_wording_is_shown_once_it_went_to_several_persons_and_told_nobody_of_another() -> None:
    shown = {}
    for text, persons in (
        ("【江澜银行】李雷的包裹到了，请于10日领取", 1),
        ("【江澜银行】本月账单已出，请于10日还款", 5),
        ("【江澜银行】您的朋友李雷已逾期10天，请转告他还款", 9),
    ):
        memory = taught(text)
        for number in range(9):
            known = memory.read(OWNER, text.replace("10", str(10 + number)))[1]
            assert known is not None
            known.judged((), f"a{number}", number % persons, 1.0)
        shown[persons] = memory.listed()[0].is_shown
    assert shown == {1: False, 5: True, 9: False}


def test_a_wording_holds_no_digit_of_any_script() -> None:
    memory = Templates(LEXICON)
    text = "【江澜银行】您的卡号６２２２０２１２３４５６已入账，٣日到账"
    assert memory.shape(text, read_content(text, LEXICON)) == "【江澜银行】您的卡号{figures}已入账，{figures}日到账"


@pytest.mark.parametrize(
    "text",
    [
        "【江澜银行】请转告李雷尽快致电400-000-1001处理账户事宜",
        "【江澜银行】请联系李雷，让其尽快还款，详询400-000-1001",
        "【江澜银行】您是李雷的紧急联系人，请尽快还款，详询400-000-1001",
        "【江澜银行】李雷的家属您好，还款事宜请致电400-000-1001",
    ],
)
def test_a_wording_that_tells_people_of_somebody_else_is_never_shown(text: str) -> None:
    memory = taught(text)
    for number in range(9):
        known = memory.read(OWNER, text)[1]
        assert known is not None
        known.judged((), "jl", number, 1.0)
    (one,) = memory.listed()
    assert (one.content.category, one.content.discloses_debtor, one.is_shown) == ("collection", False, False)


def test_accounts_beyond_a_number_count_together() -> None:
    memory = taught("【江澜银行】温馨提示")
    known = memory.read(OWNER, "【江澜银行】温馨提示")[1]
    assert known is not None
    for number in range(60):
        known.judged((), f"a{number % 40}", 1, 1.0)
    accounts = known.template.accounts
    assert (len(accounts), sum(accounts.values()), accounts["a1"]) == (33, 60, 2)


def test_names_are_masked_only_where_no_word_can_hide() -> None:
    names = Names(LEXICON)
    for text in ("尊敬的王先生", "【江澜银行】欧阳娜女士，您好", "，陈晨您好"):
        assert names.mask(text).name
    for text in (
        "尊敬的客户您好",
        "尊敬的老赖先生",
        "他先生",
        "a王先生",
        "尊敬的ｗ先生",
        "王 先生",
        "尊敬的贷款女士",
        "【王先生】",
    ):
        mask = names.mask(text)
        assert not mask.name, text
