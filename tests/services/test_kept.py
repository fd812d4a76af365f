import itertools

from labeling.services.kept import KEPT_FOR, SLOW_SECONDS, kept, remembered


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def test_what_took_long_is_kept_for_its_key_alone_and_for_some_time():
    clock, count = Clock(), itertools.count()

    def slow():
        clock.now += 2 * SLOW_SECONDS
        return next(count)

    assert [kept(("slow", 1), slow, clock) for _ in range(3)] == [0, 0, 0]
    assert kept(("slow", 2), slow, clock) == 1
    clock.now += 2 * SLOW_SECONDS * KEPT_FOR
    assert kept(("slow", 1), slow, clock) == 2


def test_what_is_quick_is_counted_each_time():
    clock, count = Clock(), itertools.count()
    assert [kept("quick", lambda: next(count), clock) for _ in range(3)] == [0, 1, 2]


def test_what_is_remembered_is_counted_anew_when_its_stamp_changes_and_for_its_key_alone():
    count = itertools.count()

    def ask(key, stamp):
        return remembered(("stamped", key), stamp, lambda: next(count))

    assert [ask("one", 1), ask("one", 1), ask("one", 2), ask("two", 2), ask("one", 2)] == [0, 0, 1, 2, 1]
