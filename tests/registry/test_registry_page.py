"""The page of an institution: a URI that a header field can hold, or nothing."""

import pytest

from proxy.registry.fields import PAGE

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    "value",
    ["", "https://www.jianglan.example", "http://jianglan.example/a/b?c=d&e=%20;f", "https://[2001:db8::1]:8443/~x"],
)
def test_a_page_is_kept_as_it_is_written(value: str) -> None:
    assert PAGE.read(f" {value} ") == value


@pytest.mark.parametrize(
    "value",
    [
        *("www.jianglan.example", "ftp://jianglan.example/", "javascript:alert(1)", "https://", "https:///x"),
        *("https://a.example/>;purpose=card", "https://a.example/ b", "https://a.example/%2", "https://江澜.example/"),
        *(
            "https://a@b.example/",
            'https://a.example/"',
            "https://a.example/" + "x" * 200,
            "https://a.example/\r\nTo: x",
        ),
        *("https://a.example/<", "https://a.example/\\", "https://a.example\n/"),
    ],
)
def test_what_is_no_page_of_the_web_is_told(value: str) -> None:
    with pytest.raises(ValueError):
        PAGE.read(value)
