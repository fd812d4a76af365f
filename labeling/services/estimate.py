"""What an export would hold, to the last pair: the effect of the label rules, and what the file refuses."""

from labeling.domain import Actor
from labeling.services.access import managed_project
from labeling.services.export import counted
from labeling.services.export_choices import FileKind, lines_named
from labeling.services.grouping import group_kept_prompts
from labeling.services.label_rules import DEFAULT_RULES, LabelRules
from labeling.services.rule_effect import Effect, Progress, read_texts
from labeling.storage.store import Store


def estimate(
    store: Store,
    actor: Actor,
    slug: str,
    *,
    format: str,
    rules: LabelRules = DEFAULT_RULES,
    system_prompt: str | None = None,
    file_type: FileKind = "jsonl",
    progress: Progress | None = None,
) -> Effect:
    """What `counted` tells, once all is known that it rests on. `progress` is of texts that a rule asks about.

    Raises:
        InputError: no such format, or not written so; or a rule that the project cannot follow.
    """
    lines_named(format, file_type)
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
    group_kept_prompts(store, project_id)
    if rules.refusals != "keep" or rules.personal_data != "keep":
        read_texts(store, actor, slug, progress)
    return counted(store, actor, slug, format=format, rules=rules, system_prompt=system_prompt, file_type=file_type)
