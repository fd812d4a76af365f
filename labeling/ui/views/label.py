"""Label: the labelling screen, or why there is nothing to label yet."""

from collections.abc import Sequence

import streamlit as st

from labeling.domain import RoundPurpose
from labeling.errors import NotFoundError
from labeling.services.desk import Desk, open_desk
from labeling.services.guidelines import guideline_change
from labeling.services.labels import guidelines_seen
from labeling.services.open_rounds import OpenRound, open_rounds
from labeling.services.practice import practice_state
from labeling.services.preferences import change_preferences, preferences_of
from labeling.services.progress import progress_at
from labeling.services.projects import ProjectView
from labeling.services.sessions import label_token
from labeling.ui.context import Here, go, here, project_here, session_secret
from labeling.ui.label_screen import label_screen
from labeling.ui.parts import empty, faults, head


def main() -> None:
    me = here()
    project = project_here(me)
    rounds = open_rounds(me.store, me.actor, me.project)
    desk = _desk(me, rounds)
    if not progress_at(me.store, desk).total:
        _without_pairs(project)
        return
    _preferences(me)
    _screen(me, desk, rounds, is_sandbox=project.has_sandbox)


def _desk(me: Here, rounds: Sequence[OpenRound]) -> Desk:
    """The round that the address names, else the work round; before that the practice, where it has to be passed. Whoever
    is in other rounds alone begins with one of those."""
    asked = st.query_params.get("round")
    if asked is None and all(one.purpose is not RoundPurpose.WORK for one in rounds):
        asked = max(rounds, key=lambda one: one.waiting > 0).name if rounds else None
    desk = open_desk(me.store, me.actor, me.project, asked)
    if asked is None and desk.practice_id is not None:
        practice = practice_state(me.store, desk, desk.practice_id)
        if not practice.passed:
            return open_desk(me.store, me.actor, me.project, practice.round_name)
    return desk


def _screen(me: Here, desk: Desk, rounds: Sequence[OpenRound], *, is_sandbox: bool) -> None:
    label_screen(
        desk,
        label_token(me.store, me.actor, me.project, session_secret()),
        slug=me.project,
        rounds=[
            one for one in rounds if one.name != desk.round_name and (one.waiting or one.purpose is RoundPurpose.WORK)
        ],
        guidelines=guideline_change(me.store, me.actor, me.project, round_name=desk.round_name).html,
        seen=guidelines_seen(me.store, desk),
        opened=_opened(),
        is_sandbox=is_sandbox,
    )


def _preferences(me: Here) -> None:
    """What this annotator takes: at the foot of the sidebar, out of the way."""
    mine = preferences_of(me.store, me.actor, me.project)
    with st.sidebar, st.expander("What I take", type="compact"):
        languages = st.text_input("Languages, empty for all", ", ".join(mine.languages), placeholder="en, pt-BR")
        choices = {"as the project has it": None, "yes": True, "no": False}
        said = next(name for name, value in choices.items() if value is mine.takes_sensitive)
        sensitive = st.selectbox("Sensitive pairs", list(choices), index=list(choices).index(said))
        if st.button("Save what I take"):
            with faults():
                change_preferences(
                    me.store, me.actor, me.project, languages.split(","), takes_sensitive=choices[sensitive]
                )
                st.rerun()


def _opened() -> int | None:
    """The pair which the address names: the history leads here."""
    asked = st.query_params.get("pair")
    if asked is None:
        return None
    if not asked.isascii() or not asked.isdigit():
        raise NotFoundError("The address names no pair. Open one from the history.")
    return int(asked)


def _without_pairs(project: ProjectView) -> None:
    with head("Label", "Two replies to one prompt, and one key to say which is better"):
        pass
    with empty("swap_horiz", "Make pairs first", "A label compares two completions of one prompt."):
        label = "Generate completions" if project.prompts else "Import prompts or pairs"
        if st.button(label, type="primary"):
            go("generate" if project.prompts else "data")


main()
