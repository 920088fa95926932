"""`python -m proxy`: the same as the command `tdgate`."""

import sys

from proxy.cli import main

sys.exit(main())
