"""`python -m proxy.console --config FILE`: the console alone, for a machine where it is started apart."""

import argparse
import sys
from pathlib import Path

from proxy.console.serve import serve
from proxy.settings import SettingsError, load


def main(arguments: list[str] | None = None) -> int:
    """Exit codes: 0 ended in order, 1 the configuration or the address is wrong, 2 usage."""
    parser = argparse.ArgumentParser(prog="python -m proxy.console", description="The window for people; read-only.")
    parser.add_argument("--config", type=Path, required=True, help="the configuration of the wire process")
    try:
        return serve(load(parser.parse_args(arguments).config))
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
