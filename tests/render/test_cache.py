from labeling.render.cache import Cache


def test_the_least_recently_shown_text_leaves_first():
    cache = Cache(characters=10)
    assert cache.get("a", lambda: "aaaa") == "aaaa"
    assert cache.get("b", lambda: "bbbb") == "bbbb"
    assert cache.get("a", lambda: "not asked") == "aaaa"
    assert cache.get("c", lambda: "cccc") == "cccc"
    assert cache.get("a", lambda: "not asked") == "aaaa"
    assert cache.get("b", lambda: "again") == "again"


def test_a_text_larger_than_the_cache_is_made_and_not_kept():
    cache = Cache(characters=3)
    assert cache.get("a", lambda: "long") == "long"
    assert cache.get("a", lambda: "made again") == "made again"
