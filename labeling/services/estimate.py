"""What an export would hold, to the last pair: the effect of the label rules, and what the format refuses."""

from dataclasses import replace

from labeling.domain import Actor
from labeling.services.access import managed_project
from labeling.services.export import Counted, counted
from labeling.services.export_choices import format_named
from labeling.services.grouping import group_kept_prompts
from labeling.services.label_rules import DEFAULT_RULES, LabelRules
from labeling.services.rule_effect import Effect, Progress, effect, read_texts
from labeling.storage.store import Store


def estimate(
    store: Store,
    actor: Actor,
    slug: str,
    *,
    format: str,
    rules: LabelRules = DEFAULT_RULES,
    system_prompt: str | None = None,
    progress: Progress | None = None,
) -> Effect:
    """The effect of the rules with what the format refuses taken off; every text is read. `progress` is of texts that
    a rule asks about.

    Raises:
        InputError: no such format, or a rule that the project cannot follow.
    """
    takes = format_named(format).takes
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
    group_kept_prompts(store, project_id)
    if rules.refusals != "keep" or rules.personal_data != "keep":
        read_texts(store, actor, slug, progress)
    told = effect(store, actor, slug, rules, takes=takes)
    return exactly(told, counted(store, actor, slug, format=format, rules=rules, system_prompt=system_prompt))


def exactly(told: Effect, exact: Counted) -> Effect:
    """The effect with what was counted text by text in place of what the labels alone tell."""
    single, singles = exact.single, told.singles
    if single is not None and singles is not None:
        singles = replace(singles, desirable=single.desirable, undesirable=single.undesirable)
    before, after = exact.longer or (told.longer_before, told.longer_after)
    return replace(
        told, kept=exact.kept, rows=exact.rows, left_out=exact.left_out, singles=singles, longer_before=before,
        longer_after=after,
    )  # fmt: skip
