"""Sections of what texts are held against (Z17 Z18): names in brackets, telephones, products, links. Pure data."""

from typing import Final

from proxy.registry import content_fields, fields
from proxy.registry.table import INSTITUTION, OWNED, OWNED_PERIOD, OWNER, Column, Reference, Table

SIGNATURES: Final = Table(
    "signatures",
    (
        OWNER,
        Column("signature", content_fields.SIGNATURE, zh="签名"),
        Column("short_names", content_fields.SIGNATURES, required=False, zh="简称"),
        *OWNED_PERIOD,
    ),
    ("owner", "signature"),
    OWNED,
)
SERVICE_PHONES: Final = Table(
    "service_phones",
    (
        OWNER,
        Column("phone", content_fields.TELEPHONE, zh="服务电话"),
        Column("label", fields.TEXT, required=False, zh="说明"),
        *OWNED_PERIOD,
    ),
    ("owner", "phone"),
    OWNED,
)
PRODUCTS: Final = Table(
    "products",
    (
        INSTITUTION,
        Column("name", fields.FILLED, zh="产品"),
        Column("aliases", fields.NAMES, required=False, zh="别名"),
        *OWNED_PERIOD,
    ),
    ("institution", "name"),
    (Reference("institution", ("institutions",)),),
)
DOMAINS: Final = Table(
    "domains",
    (OWNER, Column("domain", content_fields.DOMAIN, zh="域名"), *OWNED_PERIOD),
    ("owner", "domain"),
    OWNED,
)
