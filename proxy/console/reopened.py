"""A recorded decision beside what the same question would get today: the shape that page and programs read.

Owns the value type only. Whoever starts the console gives it the function that reads the registry; the console itself
reads status and evidence and nothing else.
"""

from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from proxy.console.lookup import Opened
from proxy.explaining.compared import Compared
from proxy.explaining.shape import Explanation
from proxy.settings import Settings

Answer = Literal["same", "differs", "recorded_only", "not_asked"]


class Reopened(Struct, frozen=True):
    """`recorded` is what the log holds; `today` is the explanation of what was asked anew (None: nothing could be, and
    `why_not` says why): the same account, sender, person, purpose and moment, under the registry and packs of today.

    `compared` has a row for each rule. `answer` compares the two as a whole: `recorded_only` where what refused then
    cannot be asked anew. `revision_then` and `revision_today` are those of the registry, `packs_*` those that bound.
    """

    recorded: Opened
    today: Explanation | None
    why_not: str
    answer: Answer
    compared: tuple[Compared, ...]
    revision_then: int
    revision_today: int
    packs_then: str
    packs_today: str


#: (settings, decision id) → None where the log has no such decision; raises LogUnreadableError, SettingsError.
Reopen = Callable[[Settings, int], Reopened | None]
