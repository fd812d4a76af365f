"""Model text becomes HTML that is safe to show, or plain text where that is not possible."""

from labeling.render.raw import visible
from labeling.render.text import RENDERER_VERSION, formulas_as_source, render
from labeling.render.turns import render_completion, render_prompt

__all__ = ["RENDERER_VERSION", "formulas_as_source", "render", "render_completion", "render_prompt", "visible"]
