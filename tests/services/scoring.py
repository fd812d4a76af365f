"""A judge that scores by length, for tests of scoring."""

import json

from labeling.domain import JudgeSpec


def judge(endpoint, **fields):
    return JudgeSpec(**{"name": "strict", "base_url": endpoint.url, "model": "j", "rubric": "Be kind.", **fields})


def points_by_length(body):
    """More characters in the reply, more points: the reply stands between the last marks."""
    reply = body["messages"][-1]["content"].split(" reply]]\n")[1].split("\n[[/")[0]
    return json.dumps({"reasoning": f"It has {len(reply)}.", "score": min(10, len(reply))})
