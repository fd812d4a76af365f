"""Rows as the files of other tools and data sets have them."""

from tests.readers.reading import BAD, GOOD, USER

SWIFT = {"messages": [USER, GOOD], "rejected_response": BAD["content"]}
TALK = [USER, GOOD, {"role": "user", "content": "Shorter."}]
STEER = {
    "domain": "general", "language": "english", "context": TALK, "response1": "Air.", "response2": "Light, and then air.",
    "overall_preference": -2, "individual_preference": [{"score": -2, "reasoning": "@Response 1 is short."}, {"score": 1}],
}  # fmt: skip
WEBGPT = {
    "question": {"dataset": "eli5", "id": "q7", "full_text": "Why is the sky blue?"},
    "quotes_0": {"title": [], "extract": []}, "answer_0": "Air [1].", "tokens_0": {"prefix": [1], "completion": [2]}, "score_0": 0.25,
    "quotes_1": {"title": [], "extract": []}, "answer_1": "Because.", "tokens_1": {"prefix": [1], "completion": [3]}, "score_1": -0.25,
}  # fmt: skip
ANSWERS = [{"answer": "poor", "rank": 3}, {"answer": "best", "rank": 1}, {"answer": "fair", "rank": 2}]
NECTAR = {"prompt": "\n\nHuman: Why?\n\nAssistant: ", "answers": ANSWERS}
BATTLE = {
    "question_id": "q1", "model_a": "alpha", "model_b": "beta", "winner": "model_b", "judge": "arena_user_7",
    "conversation_a": [USER, GOOD], "conversation_b": [USER, BAD], "turn": 1, "language": "English",
}  # fmt: skip
SHOWN = {"prompt": "Why?", "answer1": "So.", "answer2": "No."}


def annotation(who: object, selected: str, **fields: object) -> dict[str, object]:
    result = [
        {"type": "pairwise", "from_name": "comparison", "to_name": "answer1,answer2", "value": {"selected": selected}}
    ]
    return {"completed_by": who, "result": result, "was_cancelled": False} | fields


LABEL_STUDIO = {
    "id": 12,
    "data": SHOWN,
    "annotations": [
        annotation({"id": 3, "email": "one@example.org"}, "left"), annotation(4, "right"), annotation(5, "left"),
        annotation(6, "right", was_cancelled=True),
    ],
}  # fmt: skip
ARGILLA = {
    "id": "r1",
    "fields": {"prompt": "Why?", "response-1": "So.", "response-2": "No."},
    "metadata": {"model_a": "alpha"},
    "responses": {
        "quality": [{"user_id": "u1", "value": 4}],
        "preference": [
            {"user_id": "u1", "value": "response-2"}, {"user_id": "u2", "value": "tie"},
            {"user_id": "u3", "value": "response-1", "status": "discarded"},
        ],
    },
}  # fmt: skip
SHP = {
    "post_id": "p1", "domain": "askbaking_train", "history": "Why did it sink?", "score_A": 5, "score_B": 54,
    "human_ref_A": "The oven.", "human_ref_B": "It was opened too early.", "labels": 0, "score_ratio": 10.8,
}  # fmt: skip
