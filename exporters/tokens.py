"""About how many tokens a text has, without any model's tokenizer: each has its own, and some are secret."""

CHARACTERS_PER_TOKEN = 4.0  # of English in the tokenizers of OpenAI; code has fewer
TOKENS_PER_OTHER = 0.8  # of a character outside ASCII: letters with accents share tokens, Chinese ones hardly

BYTES_PER_TOKEN = 2  # no line of fewer bytes than this can reach a limit by the estimate below


def about_tokens(line: bytes) -> int:
    """An estimate for a line of UTF-8 text, right within a quarter for prose."""
    text = line.decode(errors="replace")
    other = len(text) - len(text.encode("ascii", "ignore"))
    return round((len(text) - other) / CHARACTERS_PER_TOKEN + other * TOKENS_PER_OTHER)
