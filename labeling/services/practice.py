"""Practice: pairs whose verdict is known, told after each answer; who agrees often enough may enter the work round."""

from collections.abc import Collection
from dataclasses import dataclass

from labeling.domain import RoundPurpose, ScreenVerdict, Verdict, screen_verdict
from labeling.render import render
from labeling.services.desk import Desk
from labeling.storage import labels as label_rows
from labeling.storage import rounds as rows
from labeling.storage.store import Store
from labeling.storage.tables import Round


@dataclass(frozen=True, slots=True)
class Practice:
    """How far an annotator is in a practice round: `correct` of `answered`, of `total` pairs; passed when all are
    answered and at least `pass_mark` of them (a share; None asks for nothing) agree. A round whose gold was all taken back asks nothing."""

    round_name: str
    answered: int
    correct: int
    total: int
    pass_mark: float | None

    @property
    def passed(self) -> bool:
        return self.answered >= self.total and self.correct >= (self.pass_mark or 0.0) * self.total


@dataclass(frozen=True, slots=True)
class Feedback:
    """What the project holds right about a pair, told as on the annotator's screen; `reason` is safe HTML."""

    event_id: str
    pair_id: int
    verdict: ScreenVerdict
    correct: bool
    reason: str | None


def practice_state(store: Store, desk: Desk, round_id: int) -> Practice:
    """How far the annotator is in a practice round."""
    with store.reading() as session:
        round_ = session.get_one(Round, round_id)
        answers = rows.answers_to_gold(session, desk.project_id, round_id, desk.rater_id)
        # Not all pairs of the round: one may be gold no more.
        total = rows.count_known(session, round_id)
    correct = sum(row.verdict == row.gold_verdict for row in answers)
    return Practice(round_.name, len(answers), correct, total, round_.pass_mark)


def must_practise(store: Store, desk: Desk) -> bool:
    """Whether the annotator has to pass a practice round before this work round."""
    if desk.practice_id is None or desk.purpose is not RoundPurpose.WORK:
        return False
    return not practice_state(store, desk, desk.practice_id).passed


def feedback_of(store: Store, desk: Desk, event_ids: Collection[str]) -> list[Feedback]:
    """What is right about the pairs that these events of the annotator labelled, where they are the newest ones."""
    with store.reading() as session:
        labelled = [
            one for one in label_rows.decided(session, desk.rater_id, desk.round_id, 200) if one.event_id in event_ids
        ]
        pair_ids = [one.pair_id for one in labelled if one.action == "label"]
        if not pair_ids:
            return []
        gold = rows.gold_of(session, pair_ids)
        newest = label_rows.newest_events(session, desk.rater_id, desk.round_id, pair_ids)
    return [
        Feedback(
            newest[pair_id].event_id,
            pair_id,
            screen_verdict(Verdict(gold[pair_id].gold_verdict), newest[pair_id].left_side),
            newest[pair_id].verdict == gold[pair_id].gold_verdict,
            render(gold[pair_id].gold_reason) if gold[pair_id].gold_reason else None,
        )
        for pair_id in pair_ids
        if pair_id in gold
    ]
