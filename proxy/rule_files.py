"""What the policy reads from files: packs, code maps, the words of replies and messages.

Owns the way from settings to tables that can be used, and what of them is read anew. Must never put anything in force.
Tables of words whose files are the same, octet for octet, stay the same objects: reading them takes some tenths of a
second, and the reader of messages remembers its templates.
"""

from hashlib import sha256
from pathlib import Path
from typing import Final

from proxy.content_reader import ContentReader
from proxy.core.bound import Shelf
from proxy.core.call_codes import CallCodes, load_call_codes
from proxy.core.codes import CodeMaps, CodeTableError, load_codes
from proxy.core.pack import Pack
from proxy.core.purposes import Purpose
from proxy.optout_parser import Vocabulary
from proxy.registry.content_words import files_of_words, read_reader, read_vocabulary
from proxy.registry.packs import find_config, read_shelf
from proxy.settings import Settings, SettingsError, read_toml
from proxy.wire_faults import call_faults, wire_faults


class RuleFiles:
    """Raises SettingsError with every error. `former` is what was read before."""

    def __init__(self, settings: Settings, former: "RuleFiles | None" = None) -> None:
        self.pack: Pack
        self.shelf: Shelf
        self.pack, self.shelf = read_shelf(settings.policy.pack, settings.policy.packs, settings.policy.region)
        #: Of any pack that may bind.
        self.refusal_in_calls = frozenset[Purpose]().union(
            *(pack.refusal_in_calls for pack in (self.pack, *self.shelf.packs))
        )
        codes = find_config("codes", settings.policy.codes)
        try:
            self.codes: CodeMaps = load_codes(read_toml(codes))
        except CodeTableError as error:
            raise SettingsError([f"{codes}: {line}" for line in error.errors]) from error
        call_codes = find_config("codes", settings.policy.call_codes)
        try:
            self.call_codes: CallCodes = load_call_codes(read_toml(call_codes))
        except CodeTableError as error:
            raise SettingsError([f"{call_codes}: {line}" for line in error.errors]) from error
        # WHY before the files are read: what is replaced meanwhile is read again the next time.
        self.words: Final = _digest(settings)
        self.vocabulary: Vocabulary
        self.reader: ContentReader
        if former is not None and former.words == self.words:
            self.vocabulary, self.reader = former.vocabulary, former.reader
        else:
            self.vocabulary = read_vocabulary(settings.policy.vocabulary)
            self.reader = read_reader(settings.policy.content, self.vocabulary)


def check(settings: Settings, config: Path, former: RuleFiles | None = None) -> RuleFiles:
    """What the settings name, read and found usable; raises SettingsError with every error."""
    errors = [f"{config}: {fault}" for fault in (*wire_faults(settings.smpp), *call_faults(settings.sip))]
    try:
        rules = RuleFiles(settings, former)
    except SettingsError as error:
        raise SettingsError([*errors, *error.errors]) from error
    if errors:
        raise SettingsError(errors)
    return rules


def _digest(settings: Settings) -> bytes:
    """Of the octets of all tables of words; raises SettingsError."""
    found = sha256()
    for path in files_of_words(settings.policy.vocabulary, settings.policy.content):
        try:
            octets = path.read_bytes() if path.is_file() else b"-"
        except OSError as error:
            raise SettingsError([f"{path}: -: {error}"]) from error
        found.update(sha256(octets).digest())
    return found.digest()
