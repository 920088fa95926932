"""Reads what messages are read by: the table of words with the classifier beside it, and the vocabulary of replies.

Owns the way from names in the configuration to a `ContentReader`; every error as FILE: KEY: REASON.
"""

import tomllib
from pathlib import Path

from proxy.content_reader import ContentReader
from proxy.language.lexicon import Lexicon, LexiconError, load_lexicon
from proxy.language.ngrams import NO_MODEL, ModelError, load_model
from proxy.optout_parser import Vocabulary, VocabularyError, load_vocabulary
from proxy.registry.packs import find_config
from proxy.settings import SettingsError, read_toml


def read_lexicon(path: Path | None = None) -> Lexicon:
    """The table in a TOML file with the classifier's weights beside it, by default those that ship with the product.

    Raises `OSError`, `UnicodeDecodeError`, `tomllib.TOMLDecodeError`, `LexiconError` and `ModelError`.
    """
    path = find_config("vocabulary", "content") if path is None else path
    with path.open("rb") as file:
        table = tomllib.load(file)
    weights = _weights_of(path)
    # WHY: a table of one's own needs no weights; then the rules alone decide.
    return load_lexicon(table, str(path), load_model(weights.read_bytes()) if weights.is_file() else NO_MODEL)


def _weights_of(table: Path) -> Path:
    return table.with_name(f"{table.stem}_model.json")


def files_of_words(vocabulary: str, content: str) -> tuple[Path, ...]:
    """The files that both tables are read from; the weights need not exist. Raises SettingsError."""
    table = find_config("vocabulary", content)
    return find_config("vocabulary", vocabulary), table, _weights_of(table)


def read_vocabulary(name: str) -> Vocabulary:
    """The vocabulary of replies of a name that ships, or of a path; raises SettingsError."""
    path = find_config("vocabulary", name)
    try:
        return load_vocabulary(read_toml(path), str(path))
    except VocabularyError as error:
        raise SettingsError([str(error)]) from error


def read_reader(content: str, vocabulary: Vocabulary) -> ContentReader:
    """The reader of messages with the table of a name that ships, or of a path; raises SettingsError."""
    path = find_config("vocabulary", content)
    try:
        return ContentReader(read_lexicon(path), vocabulary)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError([f"{path}: -: {error}"]) from error
    except (LexiconError, ModelError) as error:
        raise SettingsError([str(error)]) from error
