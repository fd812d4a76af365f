"""Everything that needs no data from outside, as one table: `make bench`."""

from benchmarks import rates, start
from benchmarks.measure import show

if __name__ == "__main__":
    show([*start.figures(), *rates.figures()])
