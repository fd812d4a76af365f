"""How many pairs have verdicts, and whose: remembered for as long as no label comes or goes."""

from labeling.services.kept import remembered
from labeling.storage.pair_selection import LabelledPairs, labelled_pairs
from labeling.storage.projects import labels_stamp
from labeling.storage.store import Session


def labelled(session: Session, project_id: int) -> LabelledPairs:
    """Every page asks for it, and it looks at each label."""
    key = ("labelled pairs", str(session.get_bind().engine.url), project_id)
    return remembered(key, labels_stamp(session, project_id), lambda: labelled_pairs(session, project_id))
