"""A lead reads any pair of the project; others read none by this way."""

import pytest

from labeling.errors import ForbiddenError, NotFoundError
from labeling.services.pair_reading import read_pair
from tests.services.labelling import make_labelling


def test_a_lead_reads_a_pair_in_stored_order_and_nobody_else_does(store):
    talk, other = make_labelling(store), make_labelling(store, name="Other")
    found = read_pair(store, talk.owner, talk.slug, talk.pairs[0])
    assert found.a.text.startswith("a ")
    assert found.b.text.startswith("b ")
    with pytest.raises(ForbiddenError):
        read_pair(store, talk.actor("ann"), talk.slug, talk.pairs[0])
    for unknown in (other.pairs[0], 10**6):
        with pytest.raises(NotFoundError):
            read_pair(store, talk.owner, talk.slug, unknown)
