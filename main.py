"""`python main.py COMMAND`: the same program as the console script `understudy`."""

import sys

from teleop.cli import main

if __name__ == "__main__":
    sys.exit(main())
