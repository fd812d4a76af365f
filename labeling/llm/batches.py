"""Files and batches at a provider, through the `openai` package, and no retry of its own.

Key and secrets stand in headers and nowhere else; redirects are not followed, since they would go along.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from labeling.llm.batch_lines import URL
from labeling.llm.chat import sent_headers, without_secrets
from labeling.llm.faults import Fault, status_fault
from labeling.llm.headers import NO_HEADERS, Headers
from labeling.llm.keys import origin_of
from labeling.llm.request import ChatRequest

if TYPE_CHECKING:
    from openai import OpenAI
    from openai.types import Batch

TIMEOUT_SECONDS = 600.0
CONNECT_SECONDS = 15.0
SKEW_SECONDS = 3600.0  # how far the provider's clock may be from ours
LISTED = 1000  # entries of a list that are looked through
MOST_BYTES = 5_000_000_000  # of a results file
ENDED = ("failed", "completed", "expired", "cancelled")


class ProviderFault(Exception):
    """A call about files or batches that failed. `status` is None where there was no answer."""

    def __init__(self, fault: Fault, status: int | None) -> None:
        super().__init__(fault.message)
        self.fault = fault
        self.status = status


@dataclass(frozen=True, slots=True)
class ProviderBatch:
    """A batch as the provider tells it. `errors` are its words on a file that it refused."""

    id: str
    status: str
    done: int
    output_file_id: str | None
    error_file_id: str | None
    errors: tuple[tuple[str, str], ...]  # code, and the words with the line

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED


class BatchClient:
    """The files and batches of one model's endpoint with one key. Every method raises ProviderFault."""

    def __init__(self, base_url: str, model: str, key: str | None, extra: Headers = NO_HEADERS) -> None:
        self.base_url, self.model, self.key, self.extra = base_url, model, key, extra

    def __enter__(self) -> Self:
        self._client = _client(self.base_url, self.key, self.extra)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def upload(self, name: str, file: BinaryIO) -> str:
        """Upload a file for a batch; its id."""
        with self._translated():
            uploaded = self._client.files.create(file=(name, file, "application/jsonl"), purpose="batch")
            return _id(uploaded)

    def find_file(self, name: str, since: datetime) -> str | None:
        """The id of a file of this name uploaded after `since`; None also where the provider lists no files."""
        with self._translated(unlisted=True):
            for found in self._since(self._client.files.list(), since):
                if found.filename == name and found.status != "error":
                    return _id(found)
        return None

    def create(self, file_id: str, token: str) -> ProviderBatch:
        """Let the provider run an uploaded file. `token` is kept with the batch, so that `find_batch` finds it."""
        with self._translated():
            created = self._client.batches.create(
                completion_window="24h", endpoint=URL, input_file_id=file_id, metadata={"tiebreak": token}
            )
            return _told(created)

    def find_batch(self, file_id: str, token: str, since: datetime) -> ProviderBatch | None:
        """The batch that was made of this file after `since`; None also where the provider lists no batches."""
        with self._translated(unlisted=True):
            for found in self._since(self._client.batches.list(), since):
                if found.input_file_id == file_id or (found.metadata or {}).get("tiebreak") == token:
                    return _told(found)
        return None

    def look(self, batch_id: str) -> ProviderBatch:
        with self._translated():
            return _told(self._client.batches.retrieve(batch_id))

    def cancel(self, batch_id: str) -> None:
        """Ask for the end of a batch. What is done by then is in its results; one that has ended stays as it is."""
        try:
            with self._translated():
                self._client.batches.cancel(batch_id)
        except ProviderFault as fault:
            if fault.status not in (400, 409):
                raise

    def download(self, file_id: str, into: BinaryIO) -> None:
        with self._translated(), self._client.files.with_streaming_response.content(file_id) as response:
            size = 0
            for block in response.iter_bytes():
                size += len(block)
                if size > MOST_BYTES:
                    words = f"{self._place} sent more than {MOST_BYTES // 10**9} GB as the file {file_id}."
                    raise ProviderFault(Fault("too_large", words, stops_run=True), None)
                into.write(block)

    @property
    def _place(self) -> str:
        return origin_of(self.base_url)

    def _since(self, pages: Any, since: datetime) -> Iterator[Any]:
        """Entries of a list, the newest first, as far as they may be of interest."""
        oldest = since.timestamp() - SKEW_SECONDS
        for number, one in enumerate(pages):
            if number >= LISTED or not isinstance(one.created_at, int | float) or one.created_at < oldest:
                return
            yield one

    @contextmanager
    def _translated(self, *, unlisted: bool = False) -> Iterator[None]:
        """Foreign errors as ProviderFault; with `unlisted` a provider without such a list is no fault."""
        import openai

        try:
            yield
        except openai.APIStatusError as error:
            if unlisted and error.status_code in (404, 405, 501):
                return
            raise self._status_fault(error.status_code, dict(error.response.headers), _body(error)) from None
        except openai.APITimeoutError:
            words = f"{self._place} did not answer within {TIMEOUT_SECONDS:g} seconds."
            raise self._fault(Fault("timeout", words, retry=True)) from None
        except openai.APIConnectionError as error:
            why = str(error.__cause__ or error).split("\n")[0][:200].rstrip(".") or "no reason given"
            words = f"{self._place} cannot be reached: {why}. Check that it runs, then resume."
            raise self._fault(Fault("unreachable", words, retry=True)) from None
        except (openai.APIError, ValueError) as error:
            why = str(error).split("\n")[0][:200]
            words = f"{self._place} answered what no files and batches API does: {why}."
            raise self._fault(Fault("not_json", words, retry=True)) from None

    def _status_fault(self, status: int, headers: dict[str, str], raw: bytes) -> ProviderFault:
        request = ChatRequest(self.base_url, self.model, "{}", 0)
        fault = status_fault(request, status, headers, raw, has_key=self.key is not None)
        told = Fault(fault.code, fault.message, fault.retry, fault.stops_run, retry_after=fault.retry_after)
        return self._fault(told, status)

    def _fault(self, fault: Fault, status: int | None = None) -> ProviderFault:
        return ProviderFault(without_secrets(fault, self.key, self.extra), status)


def _client(base_url: str, key: str | None, extra: Headers) -> "OpenAI":
    import httpx2
    from openai import DefaultHttpxClient, OpenAI

    parts = urlsplit(base_url)
    address = urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
    own = sent_headers(address, key, extra)

    def set_key(request: httpx2.Request) -> None:
        # The package sends a key always and in its own header, and more that it takes from the environment.
        for name in ("Authorization", "OpenAI-Organization", "OpenAI-Project"):
            request.headers.pop(name, None)
        request.headers.update(own)

    return OpenAI(
        base_url=address,
        api_key="none",
        default_query=dict(parse_qsl(parts.query)),
        default_headers={"User-Agent": "tiebreak"},
        max_retries=0,
        timeout=httpx2.Timeout(TIMEOUT_SECONDS, connect=CONNECT_SECONDS),
        http_client=DefaultHttpxClient(follow_redirects=False, event_hooks={"request": [set_key]}),
    )


def _body(error: Any) -> bytes:
    try:
        return bytes(error.response.content)
    except Exception:  # noqa: BLE001  # a streamed answer that was not read: the status says enough
        return b""


def _id(found: Any) -> str:
    """The id of a file or batch; the package takes whatever a server answers for one."""
    id_ = getattr(found, "id", None)
    if not isinstance(id_, str) or not id_:
        raise ValueError("it has no id")
    return id_


def _told(batch: "Batch") -> ProviderBatch:
    id_ = _id(batch)
    errors = (batch.errors.data if batch.errors else None) or []
    counts = batch.request_counts
    return ProviderBatch(
        id=id_,
        status=str(batch.status),
        done=(counts.completed or 0) + (counts.failed or 0) if counts else 0,
        output_file_id=batch.output_file_id,
        error_file_id=batch.error_file_id,
        errors=tuple(
            (one.code or "", (f"line {one.line}: " if one.line else "") + (one.message or "no reason given"))
            for one in errors
        ),
    )
