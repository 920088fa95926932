"""Letters that look like other letters, and the Han forms that the opt-out vocabulary has in two spellings.

Owns data only: code point → what a reader takes it for. Never holds a pair that merely sounds or means the same
(Cyrillic Д is no D), and never decides what a text says.

How it works: `BEFORE_CASE` is applied while case is still there, because a capital and its small letter may look like
two different Latin letters (Greek Ν is N, ν is v); `AFTER_CASE` is applied to case-folded text. Styled mathematical,
full-width, circled and squared letters are not here: compatibility decomposition gives them.
"""

from typing import Final


def _pairs(shown: str, read: str) -> dict[int, str]:
    return {ord(a): b for a, b in zip(shown, read, strict=True)}


#: Capitals whose small letter reads differently, and letters in enclosures that Unicode does not decompose.
BEFORE_CASE: Final[dict[int, str]] = {
    **_pairs("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "abezhikmnoptyx"),
    **_pairs("ϹϺͿ", "cmj"),
    **{0x1F150 + i: chr(0x61 + i) for i in range(26)},  # negative circled
    **{0x1F170 + i: chr(0x61 + i) for i in range(26)},  # negative squared
}

AFTER_CASE: Final[dict[int, str]] = {
    # Cyrillic; н, т, в, к, м are small capitals of the Latin letter that their capital is the image of.
    **_pairs("авекмнорстухѕіјԁһԛԝү", "abekmhopctyxsijdhqwy"),
    # Greek small letters, by their own shape.
    **_pairs("αγικνορτυχϲϳ", "ayikvoptuxcj"),
    # Armenian.
    **_pairs("օոսհցզգ", "onuhgqq"),
    # Cherokee (its case folding goes to the capitals).
    **_pairs("ᎢᎠᎡᏒᎪᎬᎳᎻᏀᏃᏚᏞᏟᏢᏦᏴᎫᎷ", "tdrraewhgzslcpkbjm"),
    # Lisu.
    **_pairs("ꓐꓑꓓꓔꓖꓗꓙꓚꓜꓝꓟꓠꓡꓢꓣꓦꓧꓪꓫꓬꓮꓰꓲꓳꓴ", "bpdtgkjczfmnlsrvhwxyaeiou"),
    # Coptic.
    **_pairs("ⲁⲉⲏⲓⲕⲙⲛⲟⲣⲥⲧⲩⲭ", "aehikmnopctyx"),
    # Phonetic and small capital letters.
    **_pairs("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡʏᴢɑɡı", "abcdefghijklmnopqrstuvwyzagi"),
    # Strokes and bars, which do not decompose.
    **_pairs("đðɖłøŧƭʈɗꝺꞇɍɲŋƞʋꝗ", "dddlotttddtrnnnvq"),
    # Han and Bopomofo strokes drawn as a T, and the ideographic zero.
    0x4E05: "t",
    0x3112: "t",
    0x3007: "0",
}

#: Traditional and variant forms → the form that the vocabulary is compared in. Both sides go through it.
HAN_FORMS: Final[dict[int, str]] = _pairs(
    "訂絕絶閱閲復複覆開閉關幫擾電話訊請謝煩騷發撥給對聯絡繫廣銷擋號碼單務終斷繼續啟啓來這個們麼麽樣該問誰條為時"
    + "應還會貴嗎囘迴沒過錯讓別滾夠點詢戶轉聽說説註冊無簡營資機權妳產産業辦從將錄録読讀購後無與處垃類種棄賬帳",
    "订绝绝阅阅复复复开闭关帮扰电话讯请谢烦骚发拨给对联络系广销挡号码单务终断继续启启来这个们么么样该问谁条为时"
    + "应还会贵吗回回没过错让别滚够点询户转听说说注册无简营资机权你产产业办从将录录读读购后无与处垃类种弃账账",
)
