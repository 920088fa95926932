"""Provinces: how they are named, and which one a subscriber number is certain to lie in.

Owns the closed vocabulary of regions (ISO 3166-2:CN codes, `CN` for the whole country) and the area codes of fixed
lines. A mobile number tells no province for certain: its prefix says where it was sold, not where its owner lives, and
numbers are ported. Pure.
"""

from typing import Final

from msgspec import Struct

#: The whole country, where a region is asked for.
COUNTRY: Final = "CN"


class Province(Struct, frozen=True):
    """`code` is of ISO 3166-2; `area_codes` are beginnings of fixed lines' area codes, without the trunk 0."""

    code: str
    name: str
    name_zh: str
    area_codes: tuple[str, ...] = ()


#: The numbering plan of fixed lines: two digits for the four municipalities and the large cities, three elsewhere.
PROVINCES: Final = (
    Province("CN-BJ", "beijing", "北京", ("10",)),
    Province("CN-TJ", "tianjin", "天津", ("22",)),
    Province("CN-HE", "hebei", "河北", ("31", "33")),
    Province("CN-SX", "shanxi", "山西", ("34", "35")),
    Province("CN-NM", "neimenggu", "内蒙古", ("47", "482", "483")),
    Province("CN-LN", "liaoning", "辽宁", ("24", "41", "421", "427", "429")),
    Province("CN-JL", "jilin", "吉林", ("43", "440")),
    Province("CN-HL", "heilongjiang", "黑龙江", ("45", "46")),
    Province("CN-SH", "shanghai", "上海", ("21",)),
    Province("CN-JS", "jiangsu", "江苏", ("25", "51", "523", "527")),
    Province("CN-ZJ", "zhejiang", "浙江", ("57", "580")),
    Province("CN-AH", "anhui", "安徽", ("55", "56")),
    Province("CN-FJ", "fujian", "福建", ("59",)),
    Province("CN-JX", "jiangxi", "江西", ("70", "79")),
    Province("CN-SD", "shandong", "山东", ("53", "543", "546", "63")),
    Province("CN-HA", "henan", "河南", ("37", "39")),
    Province("CN-HB", "hubei", "湖北", ("27", "71", "722", "724", "728")),
    Province("CN-HN", "hunan", "湖南", ("73", "74")),
    Province("CN-GD", "guangdong", "广东", ("20", "66", "75", "76")),
    Province("CN-GX", "guangxi", "广西", ("77",)),
    Province("CN-HI", "hainan", "海南", ("890", "898", "899")),
    Province("CN-CQ", "chongqing", "重庆", ("23",)),
    Province("CN-SC", "sichuan", "四川", ("28", "81", "82", "83")),
    Province("CN-GZ", "guizhou", "贵州", ("85",)),
    Province("CN-YN", "yunnan", "云南", ("69", "87", "88")),
    Province("CN-XZ", "xizang", "西藏", ("891", "892", "893", "894", "895", "896", "897")),
    Province("CN-SN", "shaanxi", "陕西", ("29", "91")),
    Province("CN-GS", "gansu", "甘肃", ("93", "94")),
    Province("CN-QH", "qinghai", "青海", ("97",)),
    Province("CN-NX", "ningxia", "宁夏", ("95",)),
    Province("CN-XJ", "xinjiang", "新疆", ("90", "99")),
    Province("CN-TW", "taiwan", "台湾"),
    Province("CN-HK", "xianggang", "香港"),
    Province("CN-MO", "aomen", "澳门"),
)

REGIONS: Final = (COUNTRY, *(province.code for province in PROVINCES))
#: Every way to write a region → its code.
WRITINGS: Final[dict[str, str]] = {
    **{code.lower(): code for code in REGIONS},
    **{province.name: province.code for province in PROVINCES},
    **{province.name_zh: province.code for province in PROVINCES},
    **{f"{province.name_zh}省": province.code for province in PROVINCES},
    **{f"{province.name_zh}市": province.code for province in PROVINCES},
    "全国": COUNTRY,
}
_BY_AREA_CODE: Final = {area: province.code for province in PROVINCES for area in province.area_codes}


def province_of(recipient: str) -> str:
    """The province of a canonical recipient (`8657100000000`), empty where it is not known for certain."""
    # WHY first: nearly every recipient is a mobile number, and no area code begins so but Beijing's, which has ten.
    if len(recipient) == 13 and recipient.startswith("861") and recipient[3] != "0":
        return ""
    if not recipient.startswith("86"):
        return ""
    for length in (2, 3):
        found = _BY_AREA_CODE.get(recipient[2 : 2 + length])
        if found is not None:
            return found
    return ""
