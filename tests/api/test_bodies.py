"""Bodies: whatever octets come, they are the shape or an error that says where; two readers never differ."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.api.bodies import BodyError, read_json
from proxy.api.shapes import PreferencesTold, RefusalTold

pytestmark = pytest.mark.unit

GOOD: dict[str, Any] = {"recipient": "13800138001", "source": "app"}


@pytest.mark.parametrize(
    ("octets", "field"),
    [
        (b'{"recipient": "1", "source": "app", "note": "\\ud800"}', ""),
        (b'{"recipient": "1", "source": "app", "source": "web"}', "source"),
        (b'{"recipient": "1", "source": "app", "note": 1e999}', "note"),
        (b'{"recipient": "1", "source": "app", "note": Infinity}', ""),
        (b'{"recipient": "1", "source": "app", "token": "x"}', "token"),
        (b'{"recipient": "1", "source": "app", "channels": ["sms", 1]}', "channels[1]"),
        (b'{"recipient": "' + b"1" * 33 + b'", "source": "app"}', "recipient"),
        (b'{"a": ' * 5000, ""),
        (b'{"note": ' + b"9" * 5000 + b"}", ""),
        (b'\xef\xbb\xbf{"recipient": "1", "source": "app"}', ""),
        (b"null", ""),
        (b"", ""),
    ],
)
def test_what_two_readers_could_read_differently_is_refused(octets: bytes, field: str) -> None:
    with pytest.raises(BodyError) as raised:
        read_json(octets, RefusalTold)
    assert (raised.value.code, raised.value.field) == (400, field)


def test_a_row_is_told_by_its_place() -> None:
    rows = {"rows": [GOOD, GOOD | {"source": "reply"}, {"source": "app"}]}
    with pytest.raises(BodyError) as raised:
        read_json(json.dumps(rows).encode(), PreferencesTold)
    assert raised.value.field == "rows[1].source"
    del rows["rows"][1]
    with pytest.raises(BodyError) as raised:
        read_json(json.dumps(rows).encode(), PreferencesTold)
    assert (raised.value.field, str(raised.value)) == ("rows[1].recipient", "missing")


@given(st.one_of(st.binary(max_size=60), st.text(max_size=60).map(lambda text: json.dumps({"note": text}).encode())))
def test_any_octets_are_the_shape_or_an_error(octets: bytes) -> None:
    code = 0
    try:
        assert read_json(octets, RefusalTold).recipient
    except BodyError as error:
        code = error.code
    assert code in (0, 400)
