"""Whether two writings of a name may be one person's: for whatever needs two different people.

Owns that comparison. Must err on the side of one person: whoever is taken for another has to find a third, and nothing
is approved alone. Names are folded as replies are (case, full width, look-alike letters), what stands between their
letters is left out, words count in any order (Zhou Ming, Ming Zhou), and a remark in brackets makes no second person of
a name that stands without it.
"""

import re
from collections.abc import Iterable
from typing import Final

from proxy.language.folding import fold

_ASIDE: Final = re.compile(r"\([^()]*\)|（[^（）]*）|\[[^\[\]]*\]|【[^【】]*】")


def _letters(text: str) -> str:
    return "".join(char for char in fold(text) if char.isalnum())


def _words(text: str) -> list[str]:
    return sorted("".join([char if char.isalnum() else " " for char in fold(text)]).split())


def is_one_person(one: object, other: object) -> bool:
    """Whether two names may be one person's; a name without a letter or digit is everybody's."""
    first, second = _letters(str(one)), _letters(str(other))
    if first == second or not (first and second):
        return True
    if _words(str(one)) == _words(str(other)):
        return True
    bare = [_letters(_ASIDE.sub("", str(name))) for name in (one, other)]
    return bare[0] == bare[1] and (first, second) != (bare[0], bare[1]) and bare[0] in (first, second)


def people_in(names: Iterable[object]) -> int:
    """How many of these names are different people's, two or more being enough for whoever asks."""
    found: list[object] = []
    for name in names:
        if not any(is_one_person(name, known) for known in found):
            found.append(name)
    return len(found)
