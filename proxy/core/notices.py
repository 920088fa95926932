"""What the two notices themselves say: for each requirement row its sentence, in the English press translation.

Owns these sentences and where each stands. Z rows are of the Zhejiang notice, J rows of the Jiangsu notice; C rows are
what counsel and press advise beside the latter, and never the only ground of a refusal. The notices are known here by a
press translation: `official_zh` is the place for the sentence as published, empty until somebody has it. What tdgate
decides where they leave room is a "product default" of a pack, never a sentence of theirs.
"""

from typing import Final

from msgspec import Struct

from proxy.core.citations import ROWS


class Demand(Struct, frozen=True):
    """One requirement row with its sentence: `en` as translated (empty where no sentence stands behind the row),
    `says_en` and `says_zh` in short, `official_zh` as published, where somebody has it.
    """

    row: str
    notice_en: str
    notice_zh: str
    en: str
    official_zh: str
    says_en: str
    says_zh: str


_NOTICES: Final = {
    "Z": ("Zhejiang notice (press translation)", "浙江通知（依英文媒体译文）"),
    "J": ("Jiangsu notice (press translation)", "江苏通知（依英文媒体译文）"),
    "C": ("advice of counsel and press", "律师与媒体建议"),
}
_SENTENCES: Final[dict[str, str]] = {
    "Z2": "they should be within the scope of the financial business permitted by the financial management department "
    "of the State Council and the local financial management department, and not exceed the scope of business "
    "permission",
    "Z3": "various banking financial institutions and other institutions engaged in loan business or loan-related "
    "businesses by law",
    "Z4": "permitted by the financial management department of the State Council and the local financial management "
    "department",
    "Z5": "Financial institutions should strengthen the compliance review of text message and call marketing and "
    "collection",
    "Z6": "determine the business partners and cooperation forms carefully according to law, and clearly stipulate the "
    "rights and obligations of this institution and the cooperation institutions",
    "Z7": "they should obtain a telecommunications business license approved by the telecommunications management "
    "agency",
    "Z8": "Before providing text message and call services, telecommunications enterprises should review the financial "
    "business license of financial institutions or the relevant documents of the cooperation units entrusted by "
    "financial institutions, and not provide services for the subjects without relevant business licenses or "
    "entrusted certificates",
    "Z9": "It requires financial institutions to establish a text message marketing number library",
    "Z10": "comprehensively and accurately count and regularly update the short message numbers used by this unit",
    "Z11": "and those used by the entrusted cooperation institutions for marketing",
    "Z13": "establish a number clue collection mechanism for text message and call marketing and collection carried "
    "out in the name of this unit without authorization",
    "Z14": "Telecommunications enterprises shall timely dispose of the numbers that are not included in the text "
    "message marketing number library and carry out text message and call marketing and collection without the "
    "authorization of financial institutions",
    "Z15": "Without the consent or request of consumers [...] they shall not be marketed in the form of text messages "
    "or calls",
    "Z16": "if consumers clearly express rejection, they shall not be marketed in the form of text messages or calls",
    "Z17": "the text message content must accurately and comprehensively mark the true identity, contact information "
    "and product information of the financial institution or its cooperation institution",
    "Z18": "The marketing text message must provide users with a way to refuse to receive",
    "Z19": "For users who clearly reply to refuse to receive marketing text messages or incoming calls, necessary "
    "measures must be taken in a timely manner to ensure that users no longer receive relevant text messages and "
    "receive calls",
    "Z20": "should establish relevant appeal and relief working mechanisms",
    "Z21": "establish and improve the complaint transfer and reporting cooperation working mechanism",
    "Z22": "increase the intensity of investigating and dealing with violations",
    "Z23": "In case of suspected illegal crimes such as telecommunications network fraud, they will jointly and "
    "severely crack down in accordance with the law",
    "J3": "financial companies must carry out SMS and voice marketing collection activities within the business scope "
    "approved by the financial management department",
    "J4": "Without written authorization from financial enterprises, various information release platforms are not "
    "allowed to carry out relevant activities for them",
    "J5": "Telecommunications companies must obtain a telecommunications business license with the approval of the "
    "telecommunications authorities before they can provide short message and voice services to financial companies "
    "or their entrusted cooperative units",
    "J6": "respecting users' willingness to receive",
    "J7": "strictly regulating collection behaviors",
    "J8": "strengthening compliance self-inspection",
    "J9": "Standardize entrusted cooperation management",
    "J10": "and inform debtors",
    "J11": "mark their true identity and contact information",
    "J12": "provide methods to refuse receipt",
    "J13": "ensure confidentiality of information, and not disclose debtor information or use user personal "
    "information for other purposes",
    "J14": "regulate financial marketing and collection phone calls based on users' willingness to register and answer",
    "J15": "determine and dispose of unsolicited commercial electronic information",
    "J16": "requires the establishment of a synchronization mechanism for the marketing collection number list "
    "database",
    "J17": "comprehensively and accurately count the text message and voice service numbers used by their own units "
    "and entrusted cooperative units",
    "J18": "the sending number used, the name of the financial enterprise or entrusted cooperative unit served by each "
    "SMS port number, the name of the telecommunications enterprise to which each SMS port number belongs and the "
    "cooperation period, etc.",
    "J19": "Each financial enterprise needs to designate a special person to serve as a liaison officer",
    "J20": "has established a special number segment for financial short message and voice services and collection",
    "J21": "can apply for the numbers in the special number segment in accordance with laws and regulations, or report "
    "existing numbers",
    "J22": "strictly Use the number for financial short message and voice services in accordance with the promised "
    "purpose",
    "J23": "The telecommunications authorities summarize the information on the list of marketing and collection "
    "compliance numbers submitted by various financial management departments",
    "J24": "and share them with all basic telecommunications enterprises and terminal enterprises in the province",
    "C1": "a large number of excessive marketing and illegal collection behaviors in the market",
    "C2": "clarify the responsible persons and operating specifications for each link",
    "C3": "keep abreast of the latest regulatory policies and requirements",
    "C4": "to avoid excessively disturbing customers",
}


def demand(row: str) -> Demand:
    """A requirement row as people read it; of one that nobody knows, its id alone."""
    short = ROWS.get(row)
    notice_en, notice_zh = _NOTICES.get(row[:1], ("", ""))
    return Demand(
        row=row,
        notice_en=notice_en,
        notice_zh=notice_zh,
        en=_SENTENCES.get(row, ""),
        official_zh="" if short is None else short.official_zh,
        says_en=row if short is None else short.says_en,
        says_zh=row if short is None else short.says_zh,
    )
