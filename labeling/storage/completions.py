"""Generators, the completions they wrote, and the pairs made of completions."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import BindParameter, bindparam, func, insert, or_, select, update
from sqlmodel import Session, col

from labeling.domain import GeneratorSpec, Prompt, canonical_json, completion_digest
from labeling.pairing import Candidate
from labeling.sifting import Said
from labeling.storage.inserting import insert_rows, new_ids
from labeling.storage.projects import count_prompts, count_visible, visible
from labeling.storage.tables import (
    Completion,
    CompletionText,
    Continuation,
    Generator,
    Pair,
    ProjectCounter,
    PromptRow,
    PromptText,
    core,
    now,
)

# Built once: a worker stores completions all the time, and an expression costs more than the query it makes.
WRITTEN = (
    "id", "prompt_id", "text_digest", "characters", "generator_id", "sample_number", "request_id", "finish_reason", "is_sandbox",
)  # fmt: skip
OF_PROMPTS: BindParameter[int] = bindparam("prompt_ids", expanding=True)
SAMPLES_THERE = select(
    core(Completion).c.prompt_id, core(Completion).c.generator_id, core(Completion).c.sample_number
).where(core(Completion).c.prompt_id.in_(OF_PROMPTS), core(Completion).c.kind == "generated")
CONTINUED_BY = select(core(Continuation).c.prompt_id, core(Continuation).c.generator_id).where(
    core(Continuation).c.prompt_id.in_(OF_PROMPTS)
)
SEVERAL = select(core(PromptRow).c.id, core(PromptRow).c.digest).where(
    core(PromptRow).c.id.in_(OF_PROMPTS),
    select(func.count())
    .where(core(Completion).c.prompt_id == core(PromptRow).c.id, core(Completion).c.kind != "edit")
    .scalar_subquery()
    > 1,
)
PAIRS_OF = select(core(Pair).c.prompt_id, core(Pair).c.a_id, core(Pair).c.b_id).where(
    core(Pair).c.prompt_id.in_(OF_PROMPTS)
)
LOCK = (
    select(core(ProjectCounter).c.project_id)
    .where(core(ProjectCounter).c.project_id == bindparam("project_id"))
    .with_for_update()
)


@dataclass(frozen=True, slots=True)
class PromptData:
    id: int
    digest: str
    prompt: Prompt


@dataclass(frozen=True, slots=True)
class NewCompletion:
    """A generator's good reply, to be stored."""

    prompt_id: int
    generator_id: int
    sample_number: int
    request_id: int
    text: str
    tool_calls: tuple[dict[str, object], ...]
    finish_reason: str | None
    is_sandbox: bool


# --- generators --------------------------------------------------------------------------------------------------


def generators_of(session: Session, project_id: int, *, retired: bool = False) -> Sequence[Generator]:
    """The project's generators in the order they were made; with `retired` also those no longer used."""
    query = select(Generator).where(col(Generator.project_id) == project_id).order_by(col(Generator.id))
    return session.scalars(query if retired else query.where(col(Generator.retired_at).is_(None))).all()


def generator_with_digest(session: Session, project_id: int, digest: str) -> Generator | None:
    query = select(Generator).where(col(Generator.project_id) == project_id, col(Generator.digest) == digest)
    return session.scalars(query).first()


def put_generator(session: Session, project_id: int, spec: GeneratorSpec, *, is_sandbox: bool) -> Generator:
    """The row of a spec, made or brought back; another one of the same name retires, its completions stay."""
    for namesake in generators_of(session, project_id):
        if namesake.name == spec.name and namesake.digest != spec.digest:
            namesake.retired_at = now()
            session.add(namesake)
    row = generator_with_digest(session, project_id, spec.digest) or Generator(
        project_id=project_id, digest=spec.digest, base_url=spec.base_url, model=spec.model,
        parameters=canonical_json(spec.parameters), system_prompt=spec.system_prompt, name=spec.name,
    )  # fmt: skip
    row.name, row.key_env, row.samples, row.retired_at = spec.name, spec.key_env, spec.samples, None
    row.requests_per_minute, row.tokens_per_minute = spec.requests_per_minute, spec.tokens_per_minute
    row.max_in_flight, row.is_sandbox = spec.max_in_flight, row.is_sandbox or is_sandbox
    session.add(row)
    session.flush()
    return row


def spec_of(row: Generator) -> GeneratorSpec:
    return GeneratorSpec(
        name=row.name, base_url=row.base_url, model=row.model, key_env=row.key_env, system_prompt=row.system_prompt,
        parameters=json.loads(row.parameters), samples=row.samples, requests_per_minute=row.requests_per_minute,
        tokens_per_minute=row.tokens_per_minute, max_in_flight=row.max_in_flight,
    )  # fmt: skip


def retire_generator(session: Session, project_id: int, generator_id: int) -> bool:
    """Take a generator out of use; False where there is none. Its completions stay."""
    done = session.execute(
        update(Generator)
        .where(col(Generator.project_id) == project_id, col(Generator.id) == generator_id)
        .values(retired_at=now())
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]  # an UPDATE's result has it


def mark_sandbox_generators(session: Session, generator_ids: Iterable[int]) -> None:
    """What turned out to be a sandbox by its replies is marked from then on."""
    ids = set(generator_ids)
    if ids:
        query = update(Generator).where(col(Generator.id).in_(ids), ~col(Generator.is_sandbox))
        session.execute(query.values(is_sandbox=True))


def completions_by_generator(session: Session, project_id: int) -> Mapping[int, int]:
    """How many completions each generator of the project wrote."""
    query = (
        select(col(Completion.generator_id), func.count())
        .join(Generator, col(Generator.id) == col(Completion.generator_id))
        .where(col(Generator.project_id) == project_id)
        .group_by(col(Completion.generator_id))
    )
    return {generator_id: count for generator_id, count in session.execute(query) if generator_id is not None}


# --- prompts and completions -------------------------------------------------------------------------------------


def prompts_after(
    session: Session, project_id: int, after_id: int, most: int, *, within: Collection[int] | None = None
) -> list[PromptData]:
    """The next visible prompts by id, with their texts; of those `within` where given."""
    query = (
        select(col(PromptRow.id), col(PromptRow.digest), col(PromptText.messages), col(PromptText.tools))
        .join(PromptText, col(PromptText.prompt_id) == col(PromptRow.id))
        .where(
            col(PromptRow.project_id) == project_id,
            col(PromptRow.id) > after_id,
            visible(PromptRow, project_id),
        )
        .order_by(col(PromptRow.id))
        .limit(most)
    )
    if within is not None:
        query = query.where(col(PromptRow.id).in_(within))
    return [
        PromptData(id_, digest, read_prompt(messages, tools)) for id_, digest, messages, tools in session.execute(query)
    ]


def prompt_ids_after(session: Session, project_id: int, after_id: int, most: int) -> list[tuple[int, str]]:
    """The next visible prompts by id: (id, digest), without their texts."""
    query = (
        select(col(PromptRow.id), col(PromptRow.digest))
        .where(col(PromptRow.project_id) == project_id, col(PromptRow.id) > after_id, visible(PromptRow, project_id))
        .order_by(col(PromptRow.id))
        .limit(most)
    )
    return [(id_, digest) for id_, digest in session.execute(query)]


def prompts_complete(
    session: Session, prompt_ids: Collection[int], samples: Mapping[int, int]
) -> list[tuple[int, str]]:
    """Those of the prompts (id, digest) that have `samples` completions of each generator, given by its id, that writes to
    them, and two or more in all: what pairs can be made of."""
    several = dict(session.connection().execute(SEVERAL, {"prompt_ids": list(prompt_ids)}).all())
    if not several:
        return []
    there = samples_there(session, several)
    wanted = [(generator_id, number) for generator_id, most in samples.items() for number in range(most)]
    only = own_generators(session, several)
    return [
        (id_, digest)
        for id_, digest in several.items()
        if all((id_, *one) in there for one in wanted if one[0] in only.get(id_, samples))
    ]


def own_generators(session: Session, prompt_ids: Collection[int]) -> dict[int, frozenset[int]]:
    """By prompt: the only generators that write to it, as it goes on from their own replies. Others are open to all."""
    found: dict[int, set[int | None]] = {}
    for prompt_id, generator_id in session.connection().execute(CONTINUED_BY, {"prompt_ids": list(prompt_ids)}):
        found.setdefault(prompt_id, set()).add(generator_id)
    # After a chosen reply, which may have the same text, all go on.
    return {
        prompt_id: frozenset(one for one in ids if one is not None)
        for prompt_id, ids in found.items()
        if None not in ids
    }


def count_prompts_for(session: Session, project_id: int, generator_id: int | None, last_prompt_id: int) -> int:
    """How many visible prompts up to the given id a generator writes to; None is one that wrote nothing yet."""
    some = Continuation.__table__.alias("some")  # type: ignore[attr-defined]  # SQLModel does not declare it
    for_all_or_it = some.c.generator_id.is_(None)
    if generator_id is not None:
        for_all_or_it = or_(for_all_or_it, some.c.generator_id == generator_id)
    upto = col(PromptRow.id) <= last_prompt_id
    continuing = col(PromptRow.id).in_(select(some.c.prompt_id))
    for_others = ~select(some.c.prompt_id).where(some.c.prompt_id == col(PromptRow.id), for_all_or_it).exists()
    return count_visible(session, PromptRow, project_id, upto) - count_visible(
        session, PromptRow, project_id, upto, continuing, for_others
    )


def prompt_with_id(session: Session, project_id: int, prompt_id: int) -> PromptData | None:
    return next(
        iter(found for found in prompts_after(session, project_id, prompt_id - 1, 1) if found.id == prompt_id), None
    )


def last_of_first(session: Session, project_id: int, limit: int | None) -> tuple[int, int]:
    """Of the first `limit` visible prompts (of all, where None): their number and the greatest id; 0 where none."""
    first = select(col(PromptRow.id)).where(col(PromptRow.project_id) == project_id, visible(PromptRow, project_id))
    number = count_prompts(session, project_id)
    if limit is None or limit >= number:
        return number, session.scalar(first.order_by(col(PromptRow.id).desc()).limit(1)) or 0
    return limit, session.scalar(first.order_by(col(PromptRow.id)).offset(limit - 1).limit(1)) or 0


def count_samples(session: Session, generator_id: int, samples: int, last_prompt_id: int) -> int:
    """How many of a generator's first `samples` completions are there, of prompts up to the given id."""
    query = select(func.count()).where(
        col(Completion.generator_id) == generator_id,
        col(Completion.sample_number) < samples,
        col(Completion.prompt_id) <= last_prompt_id,
    )
    return session.scalar(query) or 0


def read_prompt(messages: str, tools: str | None) -> Prompt:
    return Prompt(tuple(json.loads(messages)), tuple(json.loads(tools)) if tools else ())


def samples_there(session: Session, prompt_ids: Collection[int]) -> set[tuple[int, int, int]]:
    """(prompt, generator, sample number) of the completions that exist."""
    found = session.connection().execute(SAMPLES_THERE, {"prompt_ids": list(prompt_ids)})
    return {(prompt_id, generator_id, sample) for prompt_id, generator_id, sample in found}


def add_completions(session: Session, new: Sequence[NewCompletion]) -> int:
    """Store those that are not there yet; the number stored."""
    there = samples_there(session, [one.prompt_id for one in new])
    rows = {place: one for one in new if (place := (one.prompt_id, one.generator_id, one.sample_number)) not in there}
    if not rows:
        return 0
    ids = new_ids(session, core(Completion), len(rows))
    narrow = [
        (
            id_, one.prompt_id, completion_digest(one.text, one.tool_calls), len(one.text), one.generator_id,
            one.sample_number, one.request_id, one.finish_reason, one.is_sandbox,
        )
        for id_, one in zip(ids, rows.values(), strict=True)
    ]  # fmt: skip
    insert_rows(session, core(Completion), WRITTEN, narrow, {"kind": "generated", "created_at": now()})
    texts = [
        (id_, one.text, canonical_json(list(one.tool_calls)) if one.tool_calls else None)
        for id_, one in zip(ids, rows.values(), strict=True)
    ]
    insert_rows(session, core(CompletionText), ("completion_id", "text", "tool_calls"), texts, {})
    return len(ids)


# --- pairs -------------------------------------------------------------------------------------------------------


def lock_project(session: Session, project_id: int) -> None:
    """Let only one transaction at a time make pairs or verdicts of a project (on SQLite every writer is alone)."""
    session.connection().execute(LOCK, {"project_id": project_id})


def candidates_of(session: Session, project_id: int, prompt_ids: Sequence[int]) -> dict[int, list[Candidate]]:
    """The completions of each prompt that may become pairs: generated and imported ones, not edits."""
    query = select(
        col(Completion.id), col(Completion.prompt_id), col(Completion.generator_id), col(Completion.source), col(Completion.text_digest)
    ).where(
        col(Completion.prompt_id).in_(OF_PROMPTS), col(Completion.kind) != "edit", visible(Completion, project_id)
    )  # fmt: skip
    found: dict[int, list[Candidate]] = {}
    for id_, prompt_id, generator_id, source, digest in session.execute(query, {"prompt_ids": list(prompt_ids)}):
        name = generator_source(generator_id) if generator_id is not None else imported_source(source)
        found.setdefault(prompt_id, []).append(Candidate(id_, name, digest))
    return found


def said_of(session: Session, completion_ids: Collection[int]) -> dict[int, Said]:
    """What these completions say, by id."""
    query = (
        select(
            col(Completion.id), col(CompletionText.text), col(CompletionText.tool_calls).is_not(None), col(Completion.finish_reason)
        )
        .join(CompletionText, col(CompletionText.completion_id) == col(Completion.id))
        .where(col(Completion.id).in_(completion_ids))
    )  # fmt: skip
    return {row[0]: Said(row[1], bool(row[2]), row[3]) for row in session.execute(query) if row[0] is not None}


def sources_named(session: Session, project_id: int, name: str) -> frozenset[str]:
    """The sources of this name: generators called so, else generators of a model called so, and imports under it."""
    ids: list[int | None] = []
    for column in (col(Generator.name), col(Generator.model)):
        named = select(col(Generator.id)).where(col(Generator.project_id) == project_id, column == name)
        ids = ids or list(session.scalars(named))
    query = (
        select(col(Completion.id))
        .join(PromptRow, col(PromptRow.id) == col(Completion.prompt_id))
        .where(col(PromptRow.project_id) == project_id, col(Completion.source) == name)
    )
    imported = [imported_source(name)] if session.execute(query.limit(1)).first() else []
    return frozenset([*imported, *(generator_source(id_) for id_ in ids if id_ is not None)])


def generator_source(generator_id: int) -> str:
    return f"generator {generator_id}"


def imported_source(name: str) -> str:
    return f"imported {name}"


def pairs_of(session: Session, prompt_ids: Sequence[int]) -> dict[int, list[frozenset[int]]]:
    """The completion ids of each prompt's pairs, whoever made them."""
    found: dict[int, list[frozenset[int]]] = {}
    for prompt_id, a_id, b_id in session.connection().execute(PAIRS_OF, {"prompt_ids": list(prompt_ids)}):
        found.setdefault(prompt_id, []).append(frozenset((a_id, b_id)))
    return found


def add_pairs(session: Session, project_id: int, pairs: Sequence[tuple[int, int, int]]) -> list[int]:
    """Store new pairs, each (prompt, a, b) with a < b; their ids, in the same order."""
    if not pairs:
        return []
    ids = {completion for _, a, b in pairs for completion in (a, b)}
    query = select(col(Completion.id), col(Completion.text_digest), col(Completion.is_sandbox)).where(
        col(Completion.id).in_(ids)
    )
    known = {id_: (digest, is_sandbox) for id_, digest, is_sandbox in session.execute(query)}
    rows = [
        {
            "project_id": project_id, "prompt_id": prompt_id, "a_id": a, "b_id": b, "a_digest": known[a][0],
            "b_digest": known[b][0], "is_sandbox": known[a][1] or known[b][1], "created_at": now(),
        }
        for prompt_id, a, b in pairs
    ]  # fmt: skip
    return list(session.scalars(insert(Pair).returning(col(Pair.id), sort_by_parameter_order=True), rows))


def tuned_sources(session: Session, project_id: int, model: str | None) -> frozenset[str]:
    """The sources whose completions are the model's to be tuned: generators of that model, imports under its name."""
    if not model:
        return frozenset()
    query = select(col(Generator.id)).where(col(Generator.project_id) == project_id, col(Generator.model) == model)
    return frozenset(
        [imported_source(model), *(generator_source(id_) for id_ in session.scalars(query) if id_ is not None)]
    )
