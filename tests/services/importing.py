"""Files to import."""


def pairs(number: int) -> list[dict[str, object]]:
    return [
        {"prompt": f"Q{n}?", "response_a": f"good {n}", "response_b": f"bad {n}", "verdict": "ab"[n % 2]}
        for n in range(number)
    ]
