"""The opt-out vocabulary as data: what is wrong with it is said with source, key and reason."""

from typing import Any

import pytest

from proxy.language.vocabulary import VocabularyError, load_vocabulary

pytestmark = pytest.mark.unit


def document(**changes: Any) -> dict[str, Any]:
    return {"version": 1, "optout": [{"words": ["TD", "STOP"]}], **changes}


@pytest.mark.parametrize(
    ("data", "key"),
    [
        (document(version=2), "version"),
        (document(optouts=[]), "optouts"),
        (document(optout=[]), "optout"),
        (document(optout={}), "optout"),
        (document(optout=["TD"]), "optout[0]"),
        (document(optout=[{"words": "TD"}]), "optout[0].words"),
        (document(optout=[{}]), "optout[0].words"),
        (document(optout=[{"words": ["TD", 5]}]), "optout[0].words[1]"),
        (document(optout=[{"words": ["TD", "！"]}]), "optout[0].words[1]"),
        (document(optout=[{"words": ["TD"], "scopes": "sms"}]), "optout[0].scopes"),
        (document(optout=[{"words": ["TD"], "scope": "mail"}]), "optout[0].scope"),
        (document(help=[{"words": ["INFO"], "scope": "sms"}]), "help[0].scope"),
        (document(optout=[{"words": ["TD"], "kind": "phrase"}]), "optout[0].kind"),
        (document(optout=[{"words": ["TD"], "confidence": 1.5}]), "optout[0].confidence"),
        (document(optout=[{"words": ["TD"], "confidence": True}]), "optout[0].confidence"),
        (document(optout=[{"words": ["TD"], "stretch": "no"}]), "optout[0].stretch"),
        (document(optin=[{"words": ["ｔｄ"]}]), "optin[0].words[0]"),
        (document(optin=[{"words": ["STOPP"]}]), "optin[0].words[0]"),
        ({"version": 1, "optout": [{"words": ["退订"]}], "optin": [{"words": ["退訂"]}]}, "optin[0].words[0]"),
        (document(fillers=[]), "fillers"),
        (document(fillers={"kind": ["请"]}), "fillers.kind"),
        (document(fillers={"polite": ["stop"]}), "fillers.polite[0]"),
        (document(footers=[""]), "footers[0]"),
    ],
)
def test_an_error_names_its_place(data: dict[str, Any], key: str) -> None:
    with pytest.raises(VocabularyError) as caught:
        load_vocabulary(data, "words.toml")
    assert caught.value.key == key
    assert str(caught.value).startswith(f"words.toml: {key}: ")


def test_two_spellings_of_one_word_are_one_entry() -> None:
    vocabulary = load_vocabulary(document(optout=[{"words": ["退订", "退訂"]}]))
    assert len(vocabulary.items) == 1


def test_a_vocabulary_cannot_be_changed() -> None:
    vocabulary = load_vocabulary(document())
    with pytest.raises(TypeError):
        vocabulary.items["x"] = vocabulary.items["td"]  # type: ignore[index]
    with pytest.raises(AttributeError):
        vocabulary.items = {}  # type: ignore[misc]
