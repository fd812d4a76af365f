"""A finished export as a data set on the Hugging Face hub, or on another one that speaks its protocol."""

import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING

from labeling.domain import Actor
from labeling.errors import ExportError, InputError
from labeling.services.export_files import export_files, is_card_edited
from labeling.services.export_list import export_view
from labeling.storage.store import Store

if TYPE_CHECKING:
    from huggingface_hub import HfApi

# The title of every push: a file that was last written under another one is not, or no longer, ours.
PUSH = "Tiebreak export {number} of {slug}"
PUSHED = re.compile(r"Tiebreak export \d+ of \S+")
NAME = re.compile(r"hf:([A-Za-z0-9][\w.-]{0,95})/([A-Za-z0-9][\w.-]{0,95})")


@dataclass(frozen=True, slots=True)
class Pushed:
    """Where the data set is now. `is_card_edited`: its card is no longer what was exported."""

    address: str
    commit: str
    is_private: bool
    is_card_edited: bool


def repository(name: str) -> str:
    """`org/name` of `hf:org/name`. Raises InputError where it is none."""
    found = NAME.fullmatch(name)
    if found is None:
        raise InputError(f"{name!r} is no data set on a hub. Write hf:organization/name.")
    return f"{found[1]}/{found[2]}"


def push(store: Store, actor: Actor, slug: str, export_id: int, name: str, *, public: bool = False) -> Pushed:
    """Send a finished export to `name`, such as hf:org/name, in one commit; a new data set is private unless `public`.

    The token is the one that `huggingface_hub` finds: HF_TOKEN, or that of `hf auth login`. Another hub is named by
    HF_ENDPOINT. Only files of the export are sent, as they were exported; the card as it stands. Files that an earlier
    push put there and that are not of this export are removed, so that no old part is left over; what others put there,
    or changed, stays. A push that was killed or failed left what was there, or has sent all: it can be done again either
    way.

    Raises:
        InputError: the name is none.
        NotFoundError: there is no such finished export.
        ExportError: the hub refuses, or cannot be reached; everybody sees the data set that is there, and `public` is
            not asked for; a file there that no push wrote would be replaced; a file but the card is no longer what was
            exported, or one is gone.
    """
    repo = repository(name)
    files = export_files(store, actor, slug, export_id)
    is_edited = is_card_edited(export_view(store, actor, slug, export_id))
    address, commit, is_private = _send(files, repo, PUSH.format(number=export_id, slug=slug), public=public)
    return Pushed(address, commit, is_private, is_edited)


def _send(files: list[Path], repo: str, message: str, *, public: bool) -> tuple[str, str, bool]:
    """Where the data set is, its commit, and whether it is private."""
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    hub = HfApi(endpoint=os.environ.get("HF_ENDPOINT"))
    try:
        hub.create_repo(repo, repo_type="dataset", private=not public, exist_ok=True)
        found = hub.dataset_info(repo)
        if not public and not found.private:
            raise ExportError(
                f"{repo} is there already, and everybody can see it. Push to another name, or as public if that is meant."
            )
        names = [file.name for file in files]
        old = _pushed_before(hub, repo, found.sha, names)
        made = hub.upload_folder(
            repo_id=repo, repo_type="dataset", folder_path=files[0].parent, commit_message=message, allow_patterns=names,
            delete_patterns=[escape(name) for name in old], parent_commit=found.sha,
        )  # fmt: skip
        is_private = bool(hub.dataset_info(repo).private)
    except ExportError:
        raise
    except Exception as error:
        # A large file that was refused comes as a RuntimeError because of that.
        refusal = next((one for one in (error, error.__cause__) if isinstance(one, HfHubHTTPError)), None)
        if refusal is not None:
            raise ExportError(_told(repo, refusal)) from error
        # Whatever it is, of the client or of what it speaks HTTP with: the export itself is done. Only the kind is told,
        # as a client's words may quote what it sent.
        raise ExportError(
            f"The hub could not take {repo} ({type(error).__name__}). Check HF_TOKEN, HF_ENDPOINT, HF_HUB_OFFLINE and the connection."
        ) from error
    return f"{hub.endpoint}/datasets/{repo}", made.oid, is_private


def _pushed_before(hub: "HfApi", repo: str, revision: str | None, names: Collection[str]) -> list[str]:
    """The files that earlier pushes left at this revision. Raises ExportError where one of `names` is there from others."""
    ours, others = list[str](), list[str]()
    for entry in hub.list_repo_tree(repo, expand=True, revision=revision, repo_type="dataset"):
        is_ours = entry.last_commit is not None and PUSHED.fullmatch(entry.last_commit.title)
        (ours if is_ours else others).append(entry.path)
    if kept := sorted(set(names).intersection(others)):
        raise ExportError(
            f"{repo} holds files that no push is known to have written last, and that this one would replace: "
            f"{', '.join(kept)}. Push to another name, or delete them there first; a card can be edited in the export's folder."
        )
    return ours


def _told(repo: str, error: Exception) -> str:
    response = getattr(error, "response", None)
    status = getattr(response, "status_code", None)
    if status in (401, 403):
        return f"The hub does not let this token write {repo} ({status}). Set HF_TOKEN to one that may write there."
    if status == 404:
        return f"The hub knows no owner of {repo} that this token may write to (404). Check the name and HF_TOKEN."
    return f"The hub refused {repo} ({status or type(error).__name__}). Try again later."
