"""What a worker holds beside requests: the one place that apps on a machine have for it."""

import socket
from datetime import timedelta

from labeling.services.liveness import is_dead
from labeling.storage import leases
from labeling.storage.store import Store
from labeling.storage.tables import now

LEASE_SECONDS = 30.0


def app_place() -> str:
    """One worker started by an app is enough for a database and a machine, however many apps there are."""
    return f"worker of the app on {socket.gethostname()}"


def release_dead(store: Store) -> None:
    """Free what a worker of this machine held when it was killed, without waiting for its leases."""
    with store.writing() as session:
        for owner in leases.owners(session):
            if is_dead(owner):
                leases.release(session, owner)


def take_turn(store: Store, place: str, owner: str) -> bool:
    """Take or renew the place of the one worker that apps on this machine have for this database."""
    with store.writing() as session:
        holder = leases.holder(session, place)
        if holder is not None and is_dead(holder):
            leases.let_go(session, place, holder)
        return leases.hold(session, place, owner, now() + timedelta(seconds=LEASE_SECONDS))


def give_back(store: Store, owner: str, place: str | None) -> None:
    with store.writing() as session:
        leases.release(session, owner)
        if place:
            leases.let_go(session, place, owner)
