"""Conversations whose follow-up turns become the next prompts, for tests."""

from labeling.domain import Prompt, canonical_json
from labeling.preferring import Over
from labeling.services import runs
from labeling.services.generate import (
    GenerationPlan,
    start_generation,
)
from labeling.services.pairing import PairPlan, make_pairs
from labeling.services.worker import work
from labeling.storage.tables import (
    PromptRow,
    PromptText,
)
from tests.services.making import make_project


def conversations(store, turns=("shorter", "in French"), prompts=2):
    """Prompts with turns to come; their text is immutable, so they are made anew with them."""
    making = make_project(store, prompts=0, name="Talks")
    with store.writing() as session:
        for number in range(prompts):
            prompt = Prompt(({"role": "user", "content": f"question {number}"},))
            row = PromptRow(project_id=making.project_id, digest=prompt.digest, external_id=f"q{number}")
            session.add(row)
            session.flush()
            session.add(
                PromptText(
                    prompt_id=row.id,
                    messages=canonical_json(list(prompt.messages)),
                    follow_ups=canonical_json(list(turns)),
                )
            )
            making.prompts.append(row.id)
    return making


def labelled(making):
    """Every prompt with two imported replies, of which the big model's is better."""
    for number, prompt in enumerate(making.prompts):
        making.add_completions(prompt, [f"small says {number}"], source="small")
        making.add_completions(prompt, [f"big says {number}"], source="big")
    make_pairs(*making.place, PairPlan(over=Over("big", "small")))


def generate(making, *specs, key="once", **options):
    run = start_generation(*making.place, GenerationPlan(specs, **options), idempotency_key=key)
    work(making.store, once=True)
    return runs.run_view(*making.place, run.id)
