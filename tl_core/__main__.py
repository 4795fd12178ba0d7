"""``python -m tl_core``: Thaw without a browser."""

import sys

from tl_core.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
