"""The version of the distribution, in one place for log, evidence and command line."""

from importlib.metadata import PackageNotFoundError, version
from typing import Final


def _installed() -> str:
    try:
        return version("tdgate")
    except PackageNotFoundError:
        return "0+source"


VERSION: Final = _installed()
