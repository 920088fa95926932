"""Acts on one person's records: who recorded what, for the evidence (Z16 J13).

Owns the words of such an entry. Must never hold a number in full. How it works: the entry is a measure of the store,
and measures reach the evidence at least once, also after a kill.
"""

from typing import Final

from proxy.core.addresses import masked
from proxy.registry.verb import Args, VerbContext, VerbField, owner_of

#: For the verbs whose act is noted. WHY not required: programs on the control socket gave none so far.
BY: Final = VerbField("by", "who records it; the user of the system if left out", default="control socket")


async def note_act(context: VerbContext, verb: str, recipient: str, told: str, args: Args) -> None:
    """Notes an act on `recipient` (canonical, noted masked); `told` is what of, without persons. Raises StoreError."""
    await owner_of(context).note_act(verb, f"{masked(recipient)} {told}", f"source {args['source']}", args["by"])
