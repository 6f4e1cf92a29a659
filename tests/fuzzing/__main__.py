"""`python -m tests.fuzzing [READER ...] [--mutations N] [--seed S]`"""

from __future__ import annotations

import argparse
import sys
import time

from tests.fuzzing.fuzz import fuzz
from tests.fuzzing.readers import READERS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzzing", description=__doc__)
    parser.add_argument("readers", nargs="*", metavar="READER", help=", ".join(READERS))
    parser.add_argument("--mutations", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    n_faults = 0
    for name in asked.readers or READERS:
        began_s = time.perf_counter()
        found = fuzz(name, range(asked.seed, asked.seed + asked.mutations))
        counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(found.outcomes.items()))
        print(
            f"{name}: {counts}; {len(found.faults)} faults; {time.perf_counter() - began_s:.0f} s", flush=True
        )
        for fault in found.faults[:20]:
            print(f"  {fault}", flush=True)
        n_faults += len(found.faults)
    return 1 if n_faults else 0


if __name__ == "__main__":
    sys.exit(main())
