"""All observables, in the order in which they are looked at. Data only."""

from __future__ import annotations

from tests.requirements.looking import Observable
from tests.requirements.seen_keys import KEYS
from tests.requirements.seen_library import LIBRARY
from tests.requirements.seen_lists import LISTS
from tests.requirements.seen_log import LOG
from tests.requirements.seen_people import PEOPLE
from tests.requirements.seen_who import WHO

OBSERVABLES: tuple[Observable, ...] = (*WHO.all, *LIBRARY.all, *PEOPLE.all, *LISTS.all, *LOG.all, *KEYS.all)
