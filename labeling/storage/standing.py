"""Which label stands: the newest event of its rater on its pair in its round. Judges' and imported labels have no round."""

from sqlalchemy import ColumnElement, func, literal_column, select

from labeling.storage.tables import Label, core

_label, _later = core(Label), core(Label).alias("later")
_none: ColumnElement[int] = literal_column("0")

# Said with the words of the index on revisions (`rules.py`), 0 for none too, so that one look at it answers.
STANDS: ColumnElement[bool] = ~(
    select(_later.c.id)
    .where(
        _later.c.rater_id == _label.c.rater_id,
        _later.c.pair_id == _label.c.pair_id,
        func.coalesce(_later.c.round_id, _none) == func.coalesce(_label.c.round_id, _none),
        _later.c.revision > _label.c.revision,
    )
    .exists()
)
