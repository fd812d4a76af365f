"""One part of a batch run, step by step: uploaded, created, looked after, fetched.

Each step is written down before it is taken, so that a worker killed at any point is followed by one that goes on: a
file or a batch that may have been made already is looked for before another one is made.
"""

import re
from datetime import datetime, timedelta

from labeling.errors import TiebreakError
from labeling.llm.batches import BatchClient, ProviderBatch, ProviderFault
from labeling.llm.keys import key_value, origin_of
from labeling.llm.prices import estimated_tokens
from labeling.services.batch_results import fetch
from labeling.services.headers import headers_of_run
from labeling.services.keys import check_bound
from labeling.services.parts import halve, let_go, part_file
from labeling.storage import batches as rows
from labeling.storage import runs as run_rows
from labeling.storage.store import Store
from labeling.storage.tables import Batch, Run, now

FIRST_LOOK_SECONDS = 0.5
LOOK_SECONDS = 60.0  # between looks at a batch that takes long
LONGEST_FULL = timedelta(hours=24)  # by then every batch that fills a queue has ended, or is one of many
LONGEST_BACKOFF_SECONDS = 300.0
TRIES_BEFORE = 8  # calls in a row that brought nothing, before the provider has the batch: about four minutes
TRIES_AFTER = 40  # and afterwards: about three hours
NO_SUCH = (404, 405, 501)
FULL = "token_limit_exceeded"  # of what may wait in a provider's queue
LIMIT = re.compile(r"(?i)limit:?\s+([\d,]*\d)\s+enqueued")


class Stop(Exception):
    """The run must be looked at by a person: the sentence for it."""


def advance(store: Store, run: Run, part: Batch) -> None:
    """Take the next step of a part that is due, and write down what came of it."""
    assert part.id is not None
    try:
        with store.reading() as session:
            if part.key_env is not None:
                check_bound(session, part.key_env, part.base_url)
            extra = headers_of_run(session, part.run_id, part.base_url)
        with BatchClient(part.base_url, part.model, key_value(part.key_env), extra) as client:
            _Step(store, run, part, client).take()
    except ProviderFault as fault:
        _met(store, run, part, fault)
    except Stop as stop:
        _stop(store, run, part, str(stop))
    except TiebreakError as error:
        _stop(store, run, part, str(error))


class _Step:
    def __init__(self, store: Store, run: Run, part: Batch, client: BatchClient) -> None:
        assert part.id is not None
        self.store, self.run, self.part, self.client = store, run, part, client
        self.id = part.id

    def take(self) -> None:
        cancelled = self.run.state == "cancelled"
        match self.part.state:
            case "ready" | "uploading" | "uploaded" if cancelled:
                let_go(self.store, self.id, "cancelled")
            case "ready" | "uploading":
                self._upload(was_begun=self.part.state == "uploading")
            case "uploaded":
                self._create(was_begun=False)
            case "creating":
                self._create(was_begun=True)
            case "running":
                self._look(cancel=cancelled)
            case "fetching":
                self._fetch()

    def _upload(self, *, was_begun: bool) -> None:
        name = f"tiebreak-{self.part.token}.jsonl"
        file_id = None
        if was_begun:
            file_id = self.client.find_file(name, self.part.created_at)
        else:
            self._write(state="uploading")
        if file_id is None:
            try:
                with part_file(self.store, self.id) as file:
                    file_id = self.client.upload(name, file)
            except ProviderFault as fault:
                if fault.status in NO_SUCH:
                    self._write(state="ready")
                    raise self._no_batches("/files", fault.status) from None
                raise
        self._write(state="uploaded", input_file_id=file_id)

    def _create(self, *, was_begun: bool) -> None:
        file_id = self.part.input_file_id
        assert file_id is not None
        found = None
        if was_begun:
            found = self.client.find_batch(file_id, self.part.token, self.part.created_at)
            if found is None and self.run.state != "running":
                # It was not made, and is not wanted now: a cancelled run frees it, a paused one lets it wait.
                self._write(state="uploaded")
                return
        else:
            self._write(state="creating")
        if found is None:
            try:
                found = self.client.create(file_id, self.part.token)
            except ProviderFault as fault:
                raise self._not_created(fault) from None
        self._write(
            state="running",
            provider_id=found.id,
            provider_status=found.status,
            sent_at=now(),
            due_at=now() + timedelta(seconds=FIRST_LOOK_SECONDS),
        )

    def _not_created(self, fault: ProviderFault) -> Exception:
        if fault.status is None or fault.fault.retry:
            return fault
        self._write(state="uploaded")
        words = str(fault).casefold()
        if fault.status in (400, 404) and "file" in words:
            self._write(state="ready", input_file_id=None)
            return Stop(
                f"The file {self.part.input_file_id}, uploaded for run {self.run.id}, is gone at {self._origin}: it was deleted, or "
                "another key was used. Resume the run to upload it again."
            )  # fmt: skip
        return self._no_batches("/batches", fault.status) if fault.status in NO_SUCH else fault

    def _no_batches(self, path: str, status: int | None) -> Stop:
        return Stop(
            f"{self._origin} has no Batch API ({status} for {path}). Cancel the run and start it live, or with --mode file."
        )

    def _look(self, *, cancel: bool) -> None:
        assert self.part.provider_id is not None
        try:
            found = self.client.look(self.part.provider_id)
            if cancel and not found.has_ended and found.status != "cancelling":
                self.client.cancel(self.part.provider_id)
                found = self.client.look(self.part.provider_id)
        except ProviderFault as fault:
            if fault.status == 404:
                raise Stop(self._unknown()) from None
            raise
        if found.status == "failed":
            self._refused(found)
            return
        self._write(
            state="fetching" if found.has_ended else "running",
            provider_status=found.status,
            provider_done=found.done,
            output_file_id=found.output_file_id,
            error_file_id=found.error_file_id,
            full_since=self.part.full_since if found.status == "validating" else None,
            due_at=now() if found.has_ended else self._next_look(),
        )

    def _next_look(self) -> datetime:
        """Soon at first, then less and less often: a tenth of the time that it takes already."""
        waited = (now() - (self.part.sent_at or now())).total_seconds()
        return now() + timedelta(seconds=min(LOOK_SECONDS, max(FIRST_LOOK_SECONDS, waited / 10)))

    def _refused(self, found: ProviderBatch) -> None:
        """The provider took the file, but not what is in it: nothing was done, and nothing is to be paid."""
        words = "; ".join(text for _, text in found.errors[:3]) or "it gave no reason"
        if any(code == FULL for code, _ in found.errors):
            if self._others_are_there() or self._has_room(words):
                self._wait_for_room(words)
                return
            if self.part.lines > 1:
                halve(self.store, self.part, words)
                return
        let_go(self.store, self.id, "failed", words)
        raise Stop(
            f"{self._origin} refused the batch {found.id} of run {self.run.id}: {words}. Nothing of it was done; mend the cause, then resume."
        )

    def _wait_for_room(self, words: str) -> None:
        """The provider's queue is full with other batches: after them there is room. Those of this run are sure to end."""
        since = None if self._others_are_there() else self.part.full_since or now()
        is_too_long = since is not None and now() - since > LONGEST_FULL
        self._write(
            state="uploaded",
            provider_id=None,
            provider_status="failed",
            fault=f"The queue is full, and looked at again every minute: {words}",
            full_since=None if is_too_long else since,
            due_at=now() + timedelta(seconds=LOOK_SECONDS),
        )
        if is_too_long:
            raise Stop(
                f"The queue of {self._origin} has had no room for run {self.run.id} for 24 hours: {words}. Other batches fill it: end "
                "them there or wait for them, then resume; or cancel the run and start it live."
            )  # fmt: skip

    def _has_room(self, words: str) -> bool:
        """Whether the part alone is within the limit that the provider tells."""
        told = LIMIT.search(words)
        return told is not None and estimated_tokens(self.part.bytes) <= int(told[1].replace(",", ""))

    def _others_are_there(self) -> bool:
        with self.store.reading() as session:
            return any(part.id != self.id for part in rows.open_parts(session, self.part.run_id, ("running",)))

    def _fetch(self) -> None:
        try:
            sentence = fetch(self.store, self.run, self.part, self.client)
        except ProviderFault as fault:
            if fault.status == 404:
                raise Stop(self._vanished()) from None
            raise
        if sentence:
            raise Stop(sentence)

    def _unknown(self) -> str:
        key = f"with the key {self.part.key_env}" if self.part.key_env else "without a key"
        return (
            f"The batch {self.part.provider_id} of run {self.run.id} is not known at {self._origin} {key}: it was made with another key, "
            "or deleted. Put that key back, then resume; or take its results in with `tiebreak runs ingest`; or cancel the run, "
            "which frees its requests."
        )  # fmt: skip

    def _vanished(self) -> str:
        return (
            f"The results of the batch {self.part.provider_id} of run {self.run.id} are gone at {self._origin}: the file was deleted, has "
            "expired, or another key is used. Put that key back, then resume; or cancel the run, which frees its requests, and "
            "start again."
        )  # fmt: skip

    @property
    def _origin(self) -> str:
        return origin_of(self.part.base_url)

    def _write(self, **values: object) -> None:
        """Write down how far the part is; a step that came through ends the count of tries."""
        write(self.store, self.id, **{"tries": 0, "fault": None, "due_at": now(), **values})


def write(store: Store, batch_id: int, **values: object) -> None:
    with store.writing() as session:
        rows.change(session, batch_id, values)


def _met(store: Store, run: Run, part: Batch, fault: ProviderFault) -> None:
    """Try again later what may pass; let a person look at the rest."""
    assert part.id is not None
    tries = part.tries + 1
    most = TRIES_AFTER if part.provider_id else TRIES_BEFORE
    if not fault.fault.retry or tries >= most:
        _stop(store, run, part, str(fault))
        return
    seconds = max(min(LONGEST_BACKOFF_SECONDS, 2.0**tries / 2), fault.fault.retry_after or 0.0)
    write(store, part.id, tries=tries, fault=str(fault), due_at=now() + timedelta(seconds=seconds))


def _stop(store: Store, run: Run, part: Batch, sentence: str) -> None:
    assert part.id is not None
    assert run.id is not None
    if run.state == "cancelled":
        # Nobody waits for it any more: its requests are free, and what happened stays readable.
        let_go(store, part.id, "cancelled", sentence)
        return
    with store.writing() as session:
        run_rows.set_state(session, run.id, "stopped", was=("running", "paused"), fault=sentence)
        if rows.part_with_id(session, part.id).state not in rows.ENDED:
            rows.change(session, part.id, {"tries": 0, "fault": sentence, "due_at": now()})
