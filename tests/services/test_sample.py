"""The sample project is made once, whole, and only where there is nothing."""

from concurrent.futures import ThreadPoolExecutor

from labeling.domain import Target
from labeling.services.access import local_actor
from labeling.services.projects import create_project, list_projects
from labeling.services.sample import NAME, open_sample
from labeling.storage.opening import open_store
from labeling.storage.store import Store


def test_the_sample_is_made_once_and_ready_to_label(sqlite_store: Store) -> None:
    actor = local_actor(sqlite_store)
    assert open_sample(sqlite_store, actor)
    assert not open_sample(sqlite_store, actor)
    (view,) = list_projects(sqlite_store, actor)
    assert (view.pairs, view.open_pairs, view.is_sample) == (48, 48, True)


def test_a_sample_that_a_kill_left_empty_is_filled_at_the_next_start(sqlite_store: Store) -> None:
    actor = local_actor(sqlite_store)
    create_project(sqlite_store, actor, name=NAME, target=Target.OPENAI, is_sample=True)
    assert open_sample(sqlite_store, actor)
    assert list_projects(sqlite_store, actor)[0].pairs == 48


def test_a_database_with_projects_gets_no_sample(sqlite_store: Store) -> None:
    actor = local_actor(sqlite_store)
    create_project(sqlite_store, actor, name="Mine")
    assert not open_sample(sqlite_store, actor)
    assert len(list_projects(sqlite_store, actor)) == 1


def test_apps_that_start_at_once_all_have_the_sample_whole(store_url: str) -> None:
    """None of them shows its first page before the pairs are there."""

    def begin(_number: int) -> int:
        store = open_store(store_url)
        try:
            open_sample(store, local_actor(store))
            return list_projects(store, local_actor(store))[0].pairs
        finally:
            store.close()

    with ThreadPoolExecutor(3) as apps:
        assert list(apps.map(begin, range(3))) == [48, 48, 48]
