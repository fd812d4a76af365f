"""The tables. What a row means is said in `labeling.domain`; what may never happen is said here, in the schema.

Rules that a column list cannot say (append-only labels, immutable guidelines, generators and judges, the bound of a
slot) are triggers in `rules.py`. Long texts live in `*_text` tables apart from the narrow rows that are counted and
queued. Enumerations are text under a CHECK. Times are UTC.
"""

from labeling.storage.tables.columns import Table, UtcDateTime, core, metadata, now
from labeling.storage.tables.completions import Completion, CompletionText, Generator
from labeling.storage.tables.exports import Export, RuleSet
from labeling.storage.tables.imports import Import, ImportRefusal
from labeling.storage.tables.judges import (
    BenchLook,
    BenchPair,
    Judge,
    Judgement,
    JudgementText,
    JudgeResult,
    LabelJudgement,
    Score,
    ScoreText,
)
from labeling.storage.tables.labels import Erasure, Flag, Label, LabelNote
from labeling.storage.tables.pairs import Pair
from labeling.storage.tables.people import Account, KeyVariable, LoginSession, Member, Token
from labeling.storage.tables.projects import GuidelineVersion, Project, ProjectCounter, Rater
from labeling.storage.tables.prompts import Continuation, PromptAlias, PromptRow, PromptSignatures, PromptText
from labeling.storage.tables.requests import (
    Answer,
    Attempt,
    Endpoint,
    EndpointHeader,
    Lease,
    Pace,
    Request,
    RequestBody,
)
from labeling.storage.tables.rounds import Assignment, Round, RoundMember, RoundPair
from labeling.storage.tables.runs import Batch, Ingest, Run, RunRequest

__all__ = [
    "Account",
    "Answer",
    "Assignment",
    "Attempt",
    "Batch",
    "BenchLook",
    "BenchPair",
    "Completion",
    "CompletionText",
    "Continuation",
    "Endpoint",
    "EndpointHeader",
    "Erasure",
    "Export",
    "Flag",
    "Generator",
    "GuidelineVersion",
    "Import",
    "ImportRefusal",
    "Ingest",
    "Judge",
    "JudgeResult",
    "Judgement",
    "JudgementText",
    "KeyVariable",
    "Label",
    "LabelJudgement",
    "LabelNote",
    "Lease",
    "LoginSession",
    "Member",
    "Pace",
    "Pair",
    "Project",
    "ProjectCounter",
    "PromptAlias",
    "PromptRow",
    "PromptSignatures",
    "PromptText",
    "Rater",
    "Request",
    "RequestBody",
    "Round",
    "RoundMember",
    "RoundPair",
    "RuleSet",
    "Run",
    "RunRequest",
    "Score",
    "ScoreText",
    "Table",
    "Token",
    "UtcDateTime",
    "core",
    "metadata",
    "now",
]
