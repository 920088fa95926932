"""The parser of `tdgate registry` and its neighbours, made once: it takes longer than most of the commands."""

from __future__ import annotations

import argparse
from functools import cache

from proxy.commands import registry


@cache
def registry_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    registry.add_arguments(parser.add_subparsers(required=True))
    return parser
