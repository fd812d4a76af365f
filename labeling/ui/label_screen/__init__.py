"""The labelling screen: a component of plain JavaScript and CSS, and what a page gives to it."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import streamlit as st

from labeling.render.style import STYLE
from labeling.services.desk import Desk
from labeling.services.open_rounds import OpenRound
from labeling.services.rounds import Asked
from labeling.services.sessions import LabelToken

COMPONENT = "tiebreak.label"  # its folder is named in pyproject.toml
FOLDER = Path(__file__).parent


def label_screen(
    desk: Desk,
    token: LabelToken,
    *,
    slug: str,
    rounds: Sequence[OpenRound],
    guidelines: str,
    seen: int | None,
    opened: int | None,
    is_sandbox: bool,
) -> None:
    """Show the screen. `rounds` are the others that this annotator may go on with, `guidelines` is safe HTML, `seen` the version
    by which this annotator labelled last, `opened` a pair to be shown first; `is_sandbox`: some completions are the sandbox's."""
    mount = st.components.v2.component(
        COMPONENT, html='<div class="tiebreak" tabindex="-1"></div>', css="screen.css", js="main.js"
    )
    mount(
        key=f"label {slug} {desk.round_name}",
        data={
            "api": f"/api/v1/projects/{slug}/labels",
            "guidelines_api": f"/api/v1/projects/{slug}/guidelines",
            "token": token.secret,
            "project": slug,
            "annotator": desk.actor.account_id,
            "round": {"name": desk.round_name, "purpose": desk.purpose.value},
            "rounds": [asdict(one) for one in rounds],
            "asked": _asked(desk.asked),
            "guidelines": {"number": desk.guidelines, "html": guidelines, "seen": seen},
            "open": opened,
            "sandbox": is_sandbox,
            "style": STYLE,
        },
    )


def _asked(asked: Asked) -> dict[str, Any]:
    return {
        "ties": asked.ties,
        "both_bad": asked.both_bad,
        "strength": asked.strength,
        "edits": asked.edits,
        "reasons": list(asked.reasons),
        "criteria": list(asked.criteria),
        "required": list(asked.required),
        "skip_reasons": list(asked.skip_reasons),
    }
