"""Rows of lists for tests: invented numbers of invented institutions."""

from typing import Any

from hypothesis import strategies as st

from proxy.lists.entry import ListEntry


def entry(number: int = 1, **changed: Any) -> ListEntry:
    """A row; each `number` is another sending number."""
    fields: dict[str, Any] = {
        "address": f"10690{number:06d}",
        "institution": "jianglan",
        "operator": "yuanlu-tech",
        "since": 1_700_000_000,
        "until": 1_900_000_000,
        "telecom": "东港通信",
        "channels": ("sms",),
        "purposes": ("marketing",),
        "extensible": False,
        "binary": False,
        "disposed": False,
        "institution_name": "江澜银行",
        "operator_name": "远麓科技",
    }
    return ListEntry(**(fields | changed))


rows = st.builds(
    entry,
    st.integers(1, 12),
    disposed=st.booleans(),
    until=st.sampled_from((1_800_000_000, 1_900_000_000)),
)
whole_lists = st.lists(rows, max_size=12).map(lambda found: list({each.key(): each for each in found}.values()))
