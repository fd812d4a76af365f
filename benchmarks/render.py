"""What it costs to turn model text into safe HTML, cold.

    python -m benchmarks.render [TEXTS]

Makes TEXTS answers (400) of 150 to 600 words as chat models write them: paragraphs, lists, bold and inline code, every third
one with a block of code, every fifth with a table, every seventh with formulas. CPU milliseconds of each, nothing cached.
"""

import random
import statistics
import sys
import time
from collections.abc import Callable

from benchmarks.measure import Figure, show
from labeling.render.text import render_uncached

PAIR_MARK = 5.0  # CPU milliseconds for the two answers of a pair
WORDS = (
    "the a of to and in is that it for with as on are this be by an which from can or at when model answer value list "
    "function returns number because each between simple example first second result error test data system user request "
    "however therefore important consider approach several different common small large time memory order input output"
).split()
CODE = {
    "python": "def total(rows: list[int]) -> int:\n    # Sum what is positive.\n    return sum(row for row in rows if row > 0)\n\n\nprint(total([1, -2, 3]), f\"{3.5:.1f}\")\n",
    "javascript": "const total = (rows) => rows.filter((row) => row > 0).reduce((a, b) => a + b, 0);\nconsole.log(`${total([1, -2, 3])}`); // 4\n",
    "sql": "SELECT name, count(*) AS n FROM label WHERE verdict = 'tie' GROUP BY name ORDER BY n DESC;\n",
}  # fmt: skip
FORMULAS = (r"\(x^2 + y^2 = z^2\)", r"$$\int_0^1 \frac{dx}{1 + x^2} = \frac{\pi}{4}$$", r"\(\sum_{i=1}^{n} a_i\)")


def answers(count: int) -> list[str]:
    """`count` different answers, each of 150 to 600 words."""
    chance = random.Random(7)

    def words(low: int, high: int) -> str:
        chosen = [_dressed(chance, word) for word in chance.choices(WORDS, k=chance.randint(low, high))]
        return " ".join(chosen).capitalize() + "."

    return [_answer(chance, words, number) for number in range(count)]


def _dressed(chance: random.Random, word: str) -> str:
    drawn = chance.random()
    return f"**{word}**" if drawn < 0.02 else f"`{word}`" if drawn < 0.035 else f"{word}," if drawn < 0.08 else word


def _answer(chance: random.Random, words: Callable[[int, int], str], number: int) -> str:
    parts = [f"Answer {number}. {words(20, 60)}"]
    if number % 3 == 0:
        language = chance.choice(sorted(CODE))
        parts.append(f"```{language}\n{CODE[language] * chance.randint(1, 4)}```")
    if number % 5 == 0:
        rows = "\n".join(f"| {words(1, 3)} | {words(2, 5)} | {n} |" for n in range(chance.randint(3, 8)))
        parts.append(f"| a | b | n |\n| --- | --- | --: |\n{rows}")
    if number % 7 == 0:
        parts.append(f"With {FORMULAS[0]} and {FORMULAS[2]} it follows that\n\n{FORMULAS[1]}\n\n{words(10, 30)}")
    wanted = chance.randint(150, 600)
    while sum(len(part.split()) for part in parts) < wanted:
        drawn = chance.random()
        if drawn < 0.25:
            parts.append("\n".join(f"{n}. **{words(1, 3)}** {words(8, 20)}" for n in range(1, chance.randint(4, 7))))
        elif drawn < 0.4:
            parts.append("\n".join(f"- {words(5, 15)}" for _ in range(chance.randint(3, 6))))
        elif drawn < 0.5:
            parts.append(f"## {words(2, 5)}")
        else:
            parts.append(words(30, 80))
    return "\n\n".join(parts)


def figures(count: int = 400) -> list[Figure]:
    texts = answers(count)
    for text in texts[:20]:
        render_uncached(text)  # imports and the parsers of the languages
    taken = []
    for text in texts:
        begun = time.process_time()
        render_uncached(text)
        taken.append((time.process_time() - begun) * 1000)
    pairs = [2 * value for value in taken]
    cuts = statistics.quantiles(taken, n=20)
    words = statistics.median(len(text.split()) for text in texts)
    mean = statistics.fmean(pairs)
    return [
        Figure(f"rendering an answer of {words:.0f} words cold, CPU: p50", f"{cuts[9]:.2f} ms", "–"),
        Figure("rendering an answer cold, CPU: p95", f"{cuts[18]:.2f} ms", "–"),
        Figure(
            "rendering a pair of answers cold, CPU: mean", f"{mean:.2f} ms", f"≤ {PAIR_MARK:.0f} ms", mean <= PAIR_MARK
        ),
    ]


if __name__ == "__main__":
    show(figures(int(sys.argv[1]) if len(sys.argv) > 1 else 400))
