"""What only one process may hold, and whose requests are freed."""

from datetime import timedelta

from labeling.storage import leases
from labeling.storage.tables import now


def test_only_one_holds_what_is_for_one(store):
    soon, past = now() + timedelta(seconds=60), now() - timedelta(seconds=1)
    with store.writing() as session:
        assert leases.hold(session, "place", "one", soon)
        assert not leases.hold(session, "place", "two", soon)
        assert leases.hold(session, "place", "one", past), "its holder renews it"
        assert leases.hold(session, "place", "two", soon), "it ran out"
        leases.let_go(session, "place", "two")
        assert leases.hold(session, "place", "one", soon)
