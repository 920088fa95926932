"""`python -m simulators` is `tdgate-sim`."""

import sys

from simulators.cli import main

sys.exit(main())
