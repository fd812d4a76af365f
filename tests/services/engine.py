"""Runs of generation against an endpoint whose faults a test sets, for tests of the engine."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from labeling.domain import GeneratorSpec, Prompt
from labeling.llm.request import generator_request, pace_of
from labeling.services import runs
from labeling.services.runs import PlannedRequest, RunView
from labeling.services.worker_process import ROOT
from labeling.storage import completions
from tests.llm.endpoint import Endpoint
from tests.services.making import Making

PATIENCE = 200.0


def spec_of(endpoint: Endpoint, model: str = "m", **fields: object) -> GeneratorSpec:
    return GeneratorSpec(**{"name": model, "base_url": endpoint.base_url, "model": model, **fields})  # type: ignore[arg-type]  # test helper


def planned(making: Making, spec: GeneratorSpec, samples: int = 1) -> Iterator[PlannedRequest]:
    """One request for each prompt and sample: `question 0`, `question 1`, … are the last messages."""
    with making.store.writing() as session:
        generator = completions.put_generator(session, making.project_id, spec, is_sandbox=False)
    for number, prompt_id in enumerate(making.prompts):
        for sample in range(samples):
            prompt = Prompt(({"role": "user", "content": f"question {number}"},))
            yield PlannedRequest(
                generator_request(spec, prompt, sample), spec.key_env, pace_of(spec), sample, prompt_id, generator.id
            )


def start(
    making: Making, specs: Sequence[GeneratorSpec], key: str = "once", samples: int = 1, **options: object
) -> RunView:
    wanted = [one for spec in specs for one in planned(making, spec, samples)]
    return runs.start_run(
        *making.place,
        purpose="generate",
        planned=wanted,
        spec={"generators": [], "pairs": None},
        idempotency_key=key,
        **options,
    )  # type: ignore[arg-type]  # options are start_run's own


@contextmanager
def worker_processes(url: str, *options: str) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts `tiebreak worker` on a database, each time it is called; at the end those that still run are killed."""
    started: list[subprocess.Popen[bytes]] = []

    def begin() -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "tiebreak", "worker", *options],
            env={**os.environ, "TIEBREAK_DATABASE_URL": url, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        started.append(process)
        return process

    try:
        yield begin
    finally:
        for process in started:
            process.kill()
            process.wait()


def until(condition: Callable[[], bool]) -> None:
    """Wait for it; the end of the patience says that something hangs, however slow the machine is."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)


def adds_up(view: RunView) -> bool:
    return view.asked == view.answered + sum(view.failed.values()) + view.waiting
