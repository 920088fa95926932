"""Tables of words are read anew when a file of theirs changed, and only then: the reader remembers its templates."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from proxy.rule_files import RuleFiles
from proxy.settings import Policy, Settings, SettingsError

pytestmark = pytest.mark.unit

CONFIG = Path(__file__).resolve().parents[2] / "config"


def test_words_stay_while_their_files_do(tmp_path: Path) -> None:
    for name in ("content.toml", "content_model.json", "optout.toml"):
        shutil.copy(CONFIG / name, tmp_path / name)
    words = {"content": str(tmp_path / "content.toml"), "vocabulary": str(tmp_path / "optout.toml")}
    first = RuleFiles(Settings(policy=Policy(pack="cn-open", **words)))
    again = RuleFiles(Settings(policy=Policy(pack="cn-default", **words)), first)
    assert again.pack.name != first.pack.name
    assert (again.reader, again.vocabulary) == (first.reader, first.vocabulary)
    former = again
    for name, added in (("content_model.json", " "), ("optout.toml", "\n"), ("content.toml", "\n")):
        with (tmp_path / name).open("a") as file:
            file.write(added)
        changed = RuleFiles(Settings(policy=Policy(**words)), former)
        assert changed.reader is not former.reader, name
        former = changed
    (tmp_path / "content.toml").write_text("[concept]\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"content\.toml"):
        RuleFiles(Settings(policy=Policy(**words)), former)
