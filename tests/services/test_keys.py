import pytest

from labeling.domain import Role
from labeling.errors import ForbiddenError, InputError
from labeling.services.keys import bind_key, list_keys, unbind_key
from tests.services.making import make_project

OPENAI = "https://api.openai.com/v1"


def test_an_owners_first_use_binds_a_key_to_its_origin(store, monkeypatch):
    making = make_project(store)
    monkeypatch.setenv("MY_KEY", "tomato")
    bind_key(*making.place, "MY_KEY", OPENAI)
    bind_key(*making.place, "MY_KEY", "https://api.openai.com/v2")
    (kept,) = list_keys(*making.place)
    assert (kept.variable, kept.origin, kept.found) == ("MY_KEY", "https://api.openai.com", True)
    assert "tomato" not in repr(kept)


@pytest.mark.parametrize(
    "other",
    [
        "https://evil.example/v1",
        "http://api.openai.com/v1",
        "https://api.openai.com:8443/v1",
        "https://api.openai.com.evil/v1",
    ],
)
def test_a_bound_key_is_never_sent_to_another_origin(store, other):
    making = make_project(store)
    bind_key(*making.place, "MY_KEY", OPENAI)
    with pytest.raises(InputError, match=r"MY_KEY is bound to https://api\.openai\.com and is not sent to"):
        bind_key(*making.place, "MY_KEY", other)


def test_a_lead_may_use_a_key_of_the_list_and_may_not_add_one(store):
    making = make_project(store)
    lead = making.member("lena", Role.LEAD)
    with pytest.raises(ForbiddenError, match="ask an owner"):
        bind_key(store, lead, making.slug, "MY_KEY", OPENAI)
    bind_key(*making.place, "MY_KEY", OPENAI)
    bind_key(store, lead, making.slug, "MY_KEY", OPENAI)


def test_an_unbound_key_can_be_bound_anew(store):
    making = make_project(store)
    bind_key(*making.place, "MY_KEY", "https://typo.example/v1")
    unbind_key(*making.place, "MY_KEY")
    bind_key(*making.place, "MY_KEY", OPENAI)
    assert [one.origin for one in list_keys(*making.place)] == ["https://api.openai.com"]


def test_an_annotator_sees_no_keys_and_binds_none(store):
    making = make_project(store)
    ana = making.member("ana", Role.ANNOTATOR)
    with pytest.raises(ForbiddenError):
        bind_key(store, ana, making.slug, "MY_KEY", OPENAI)
    with pytest.raises(ForbiddenError):
        list_keys(store, ana, making.slug)
