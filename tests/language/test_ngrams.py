"""The classifier behind the rules: its features, its weights, and what is no model."""

import math

import pytest

from proxy.language.ngrams import NO_MODEL, Model, ModelError, features, likelihoods, load_model

pytestmark = pytest.mark.unit


def test_features_of_han_are_characters_and_figures_are_masked() -> None:
    found = features("还款1280.50元", ["overdue"])
    assert {"C:overdue", "还", "款0", "款0元", "^还款"} <= found
    assert not any("8" in feature for feature in found)


def test_features_of_other_texts_are_words() -> None:
    assert features("call 800,now", []) == {"wcall", "w0", "w,", "wnow", "wcall_0", "w0_,", "w,_now"}


def test_shares_are_a_distribution_and_unknown_features_count_nothing() -> None:
    model = Model(("a", "b"), {"x": (1000, -1000), "y": (0, 500)})
    found = likelihoods(["x", "z"], model)
    assert math.isclose(sum(math.exp(one) for one in found.values()), 1)
    assert found["a"] - found["b"] == pytest.approx(2.0)
    assert likelihoods(["z"], model) == {}
    assert likelihoods(["x"], NO_MODEL) == {}


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"[]",
        b"{}",
        b'{"categories": ["a"], "weights": {"x": ["1"]}}',
        b'{"categories": ["a", "b"], "weights": {"x": [1]}}',
    ],
)
def test_what_is_no_model_is_refused(octets: bytes) -> None:
    with pytest.raises(ModelError):
        load_model(octets)


def test_a_model_is_read() -> None:
    assert load_model(b'{"categories": ["a"], "weights": {"x": [1]}}').weights == {"x": (1,)}
