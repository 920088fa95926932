"""The one table of operations: the command line, the control socket and later HTTP speak these verbs and fields.

Owns which verbs there are, and that a change of records is answered only after the snapshot that holds it is in place
(Z14: effective on the next PDU). Must never delete a record or lift somebody's refusal.
"""

import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from proxy.registry.access_verbs import ACCESS_VERBS
from proxy.registry.debtor_verbs import DEBTOR_VERBS
from proxy.registry.doubt_verbs import DOUBT_VERBS
from proxy.registry.handing_over import HAND_OVER_VERBS
from proxy.registry.keys import PersonSecret
from proxy.registry.library_verbs import LIBRARY_VERBS
from proxy.registry.list_verbs import LIST_VERBS
from proxy.registry.person_verbs import PERSON_VERBS
from proxy.registry.ports import Owner, StoreError, VerbError
from proxy.registry.record_verbs import RECORD_VERBS
from proxy.registry.review_verbs import REVIEW_VERBS
from proxy.registry.submission_verbs import SUBMISSION_VERBS
from proxy.registry.tokens import TOKEN_VERBS
from proxy.registry.verb import Args, Verb, VerbContext, checked
from proxy.registry.will_verbs import WILL_VERBS

VERBS: Final[dict[str, Verb]] = {
    verb.name: verb
    for verb in (
        *RECORD_VERBS,
        *REVIEW_VERBS,
        *LIBRARY_VERBS,
        *SUBMISSION_VERBS,
        *LIST_VERBS,
        *PERSON_VERBS,
        *DEBTOR_VERBS,
        *DOUBT_VERBS,
        *WILL_VERBS,
        *TOKEN_VERBS,
        *ACCESS_VERBS,
        *HAND_OVER_VERBS,
    )
}


async def perform(context: VerbContext, name: str, args: Args) -> dict[str, Any]:
    """Runs a verb with checked arguments; raises VerbError, also for a store that fails."""
    verb = VERBS.get(name)
    if verb is None:
        raise VerbError(f"{name}: no such verb", usage=True)
    try:
        return await verb.run(context, checked(verb, args))
    except StoreError as error:
        raise VerbError(str(error)) from error


def now_us() -> int:
    """UTC microseconds."""
    return time.time_ns() // 1000


class Verbs:
    """The table over a store that a running process owns. `changed` puts a new snapshot in place."""

    def __init__(self, owner: Owner, secret: PersonSecret, changed: Callable[[], Awaitable[None]]) -> None:
        self._context = VerbContext(owner, owner, secret, now_us, owner.imports)
        self._changed = changed

    async def dispatch(self, verb: str, args: Args) -> dict[str, Any]:
        """Performs a verb and, where it changed records, awaits `changed` before it answers.

        Raises VerbError, also that of `changed`, and StoreError where the store cannot be read before it began.
        """
        before = await self._context.reader.revision()
        try:
            result = await perform(self._context, verb, args)
        except BaseException:
            # WHY: part of an import may stand although the rest of it failed. The caller is told of the failure.
            with suppress(VerbError):
                await self._follow(before)
            raise
        await self._follow(before)
        return result

    async def _follow(self, before: int) -> None:
        try:
            unchanged = await self._context.reader.revision() == before
        except StoreError:
            unchanged = False  # WHY: what cannot be told counts as changed, and is followed until it can be read.
        if not unchanged:
            await self._changed()
