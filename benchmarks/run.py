"""Everything that needs no data from outside, as one table: `make bench`.

    python -m benchmarks.run [--quick] [--peer potato=COMMAND …] [--engine FOLDER] [--judged FOLDER]

About a quarter of an hour on a quiet machine; `--quick` tries each part on little data, for which the marks are not meant. Peers are those of
`benchmarks/peers.py`; the request engine and judges are measured where the folder of their server is given (`benchmarks/engine.py`,
`benchmarks/judging.py`), with `--judged` also against a published judge's verdicts. With make:
`make bench BENCH="--peer potato=COMMAND --engine FOLDER"`.
"""

import argparse
import sys
from pathlib import Path

from benchmarks import (
    engine,
    export,
    imports,
    judging,
    label_browsers,
    label_faults,
    label_latency,
    label_load,
    rates,
    render,
    rules,
    run_view,
    start,
)
from benchmarks.measure import Figure, show


def figures(peers: list[str], engine_server: Path | None, judged: Path | None, *, is_quick: bool) -> list[Figure]:
    sizes = (1_000, 10_000) if is_quick else label_latency.SIZES
    parts = {
        "start": start.figures,
        "key press to next pair": lambda: label_latency.figures(sizes, peers, 20 if is_quick else label_latency.LABELS),
        "annotators at once": lambda: label_load.figures(seconds=5 if is_quick else label_load.SECONDS),
        "rendering": lambda: render.figures(60 if is_quick else 400),
        "browsers at once": lambda: label_browsers.figures(labels=5 if is_quick else label_browsers.LABELS),
        "faults": lambda: label_faults.figures(2 if is_quick else label_faults.SECONDS),
        "label rules": lambda: rules.figures(5_000 if is_quick else 100_000),
        "a long queue": lambda: run_view.figures(2_000 if is_quick else run_view.REQUESTS),
        "import": lambda: imports.figures(5_000 if is_quick else imports.PAIRS),
        "export": lambda: export.figures(5_000 if is_quick else export.PAIRS),
        "convert": lambda: rates.figures(10_000 if is_quick else rates.CONVERTED),
    }
    if engine_server is not None:
        parts["request engine"] = lambda: engine.figures(engine_server)
        parts["judges"] = lambda: judging.figures(engine_server, judged)
    found = []
    for name, part in parts.items():
        print(f"measuring: {name}", file=sys.stderr)
        found += part()
    return found


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--quick", action="store_true")
    asked.add_argument("--peer", nargs="+", default=[])
    asked.add_argument("--engine", type=Path, metavar="FOLDER")
    asked.add_argument("--judged", type=Path, metavar="FOLDER")
    given = asked.parse_args()
    show(figures(given.peer, given.engine, given.judged, is_quick=given.quick))
