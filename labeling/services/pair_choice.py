"""What the completions of some prompts become: chosen by lot, or by a rule that tells the better side."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from labeling.best_of import FromScores, prefer_scored
from labeling.errors import InputError
from labeling.pairing import Candidate, NoPair, PairMode, choose_pairs
from labeling.preferring import Over, Preferences, Preferred, prefer_source
from labeling.sifting import Dropped, Sieve, sift
from labeling.storage import completions as rows
from labeling.storage import preferring, scoring
from labeling.storage.store import Session
from labeling.storage.tables import Project


@dataclass(frozen=True, slots=True)
class Choice:
    """What one prompt comes to.

    `pairs` are the new ones, as completion ids, the smaller first. `preferred` are the labels to give, on new pairs and on
    pairs that are there. `reason` says why there is nothing new. `dropped` counts replies dropped before, by reason.
    """

    pairs: tuple[tuple[int, int], ...] = ()
    preferred: tuple[Preferred, ...] = ()
    reason: NoPair | None = None
    dropped: Counter[Dropped] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Sifted:
    """The replies of a prompt that are left, and what was dropped."""

    left: list[Candidate]
    dropped: Counter[Dropped]


def by_lot(
    session: Session,
    project: Project,
    prompts: Sequence[tuple[int, str]],
    mode: PairMode | None,
    limit: int | None,
    sieve: Sieve,
) -> dict[int, Choice]:
    """Pairs without a label. `prompts` are (id, digest)."""
    assert project.id is not None
    ids = [prompt_id for prompt_id, _ in prompts]
    candidates = rows.candidates_of(session, project.id, ids)
    existing = rows.pairs_of(session, ids)
    first = rows.tuned_sources(session, project.id, project.target_model)
    open_ = [id_ for id_ in ids if limit is None or len(existing.get(id_, ())) < limit]
    sifted = sift_all(session, candidates, open_, sieve, first)
    found = {}
    for prompt_id, digest in prompts:
        one = sifted.get(prompt_id) or Sifted(candidates.get(prompt_id, []), Counter())
        sources = len({candidate.source for candidate in one.left})
        made = choose_pairs(
            one.left,
            mode or (PairMode.SOURCES if sources > 1 else PairMode.SAMPLES),
            limit=limit,
            first=first,
            seed=f"{project.id} {digest}",
            existing=existing.get(prompt_id, ()),
        )
        reason = _reason(made.reason, one.dropped)
        found[prompt_id] = Choice(made.pairs, (), reason, one.dropped)
    return found


def by_rule(
    session: Session,
    project: Project,
    prompts: Sequence[tuple[int, str]],
    over: Over,
    limit: int | None,
    sieve: Sieve,
) -> dict[int, Choice]:
    """Pairs of two sources, labelled as the rule says. Raises InputError where one of the sources wrote nothing here."""
    assert project.id is not None
    ids = [prompt_id for prompt_id, _ in prompts]
    better, worse = sources_of(session, project, over)
    every = rows.candidates_of(session, project.id, ids)
    ours = {id_: [one for one in texts if one.source in better | worse] for id_, texts in every.items()}
    existing = rows.pairs_of(session, ids)
    rater_id = preferring.rule_rater(session, project.id, over.rater)
    labelled = preferring.labelled_couples(session, rater_id, ids) if rater_id else {}
    open_ = [id_ for id_ in ids if limit is None or len(labelled.get(id_, ())) < limit]
    sifted = sift_all(session, ours, open_, sieve, better)
    found = {}
    for prompt_id, digest in prompts:
        one = sifted.get(prompt_id) or Sifted(ours.get(prompt_id, []), Counter())
        made = prefer_source(
            one.left,
            better,
            worse,
            limit=limit,
            seed=f"{project.id} {digest} {over.rater}",
            existing=existing.get(prompt_id, ()),
            labelled=labelled.get(prompt_id, ()),
        )
        found[prompt_id] = preferred_choice(made, existing.get(prompt_id, ()), one.dropped)
    return found


def by_scores(
    session: Session,
    project: Project,
    prompts: Sequence[tuple[int, str]],
    how: FromScores,
    rater_id: int,
    sieve: Sieve,
) -> dict[int, Choice]:
    """The best of each prompt's scored completions over a worse one, labelled by the judge who scored them."""
    assert project.id is not None
    ids = [prompt_id for prompt_id, _ in prompts]
    every = rows.candidates_of(session, project.id, ids)
    existing = rows.pairs_of(session, ids)
    labelled = preferring.labelled_couples(session, rater_id, ids)
    points = scoring.points_on(session, rater_id, ids)
    first = rows.tuned_sources(session, project.id, project.target_model)
    sifted = sift_all(session, every, [id_ for id_ in ids if id_ not in labelled], sieve, first)
    found = {}
    for prompt_id, digest in prompts:
        one = sifted.get(prompt_id) or Sifted(every.get(prompt_id, []), Counter())
        seed = f"{project.id} {digest} {rater_id} {how.rejected}"
        made = prefer_scored(one.left, points, how, seed=seed, labelled=labelled.get(prompt_id, ()))
        found[prompt_id] = preferred_choice(made, existing.get(prompt_id, ()), one.dropped)
    return found


def preferred_choice(made: Preferences, existing: Collection[frozenset[int]], dropped: Counter[Dropped]) -> Choice:
    """A choice of preferences: the pairs that they need beside those that are there."""
    new = [
        (min(one.chosen, one.rejected), max(one.chosen, one.rejected))
        for one in made.made
        if one.couple not in existing
    ]
    return Choice(tuple(new), made.made, _reason(made.reason, dropped), dropped)


def sift_all(
    session: Session,
    candidates: Mapping[int, list[Candidate]],
    prompt_ids: Iterable[int],
    sieve: Sieve,
    first: Collection[str],
) -> dict[int, Sifted]:
    """What the sieve leaves of these prompts' replies. Texts are read only where a pair could come of it."""
    if sieve.is_open:
        return {}
    wanted = {id_: candidates[id_] for id_ in prompt_ids if len(candidates.get(id_, ())) > 1}
    if not wanted:
        return {}
    said = rows.said_of(session, [one.completion_id for texts in wanted.values() for one in texts])
    return {id_: Sifted(*sift(texts, said, sieve, first)) for id_, texts in wanted.items()}


def _reason(reason: NoPair | None, dropped: Counter[Dropped]) -> NoPair | None:
    too_few = (NoPair.TOO_FEW, NoPair.SAME_TEXT, NoPair.UNSCORED)
    return NoPair.DROPPED if dropped and reason in too_few else reason


def sources_of(session: Session, project: Project, over: Over) -> tuple[frozenset[str], frozenset[str]]:
    """The sources that a rule calls better and worse. Raises InputError where a name leads nowhere or both to one."""
    better, worse = (_sources(session, project, name) for name in (over.better, over.worse))
    if better & worse:
        raise InputError(f"{over.better!r} and {over.worse!r} name the same generator; name two different ones.")
    return better, worse


def _sources(session: Session, project: Project, name: str) -> frozenset[str]:
    assert project.id is not None
    found = rows.sources_named(session, project.id, name)
    if not found:
        raise InputError(
            f"No generator, model or imported source is called {name!r} in {project.name!r}; see the page Data."
        )
    return found
