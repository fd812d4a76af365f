"""Browsers: who sits there, and the token of its labelling screen."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from labeling.domain import Role
from labeling.errors import ForbiddenError, InputError, NotFoundError
from labeling.services.access import local_actor
from labeling.services.sessions import actor_of_session, label_token, new_session_secret, sign_in, sign_out
from labeling.services.tokens import actor_of_token, create_token
from labeling.storage.tables import LoginSession, Token, now
from tests.services.labelling import Labelling, make_labelling


@pytest.fixture
def talk(store) -> Labelling:
    return make_labelling(store)


def test_a_browser_where_nobody_signed_in_is_the_local_actor(talk):
    assert actor_of_session(talk.store, None) == actor_of_session(talk.store, "forged") == local_actor(talk.store)


def test_a_browser_is_its_annotator_from_signing_in_to_signing_out(talk):
    token = create_token(talk.store, talk.owner, "ann", talk.slug)
    signed_in = sign_in(talk.store, token.secret)
    assert actor_of_session(talk.store, signed_in.secret).name == "ann"
    sign_out(talk.store, signed_in.secret)
    sign_out(talk.store, signed_in.secret)
    assert actor_of_session(talk.store, signed_in.secret) == local_actor(talk.store)


def test_signing_in_again_ends_what_the_browser_was_before(talk):
    first = sign_in(talk.store, create_token(talk.store, talk.owner, "ann", talk.slug).secret)
    second = sign_in(talk.store, create_token(talk.store, talk.owner, "bob", talk.slug).secret, first.secret)
    assert first.secret != second.secret
    assert actor_of_session(talk.store, first.secret) == local_actor(talk.store)
    assert actor_of_session(talk.store, second.secret).name == "bob"


def test_a_screen_token_is_the_same_at_every_script_run_and_stored_once(talk):
    ann, secret = talk.actor("ann"), new_session_secret()
    first, second = (label_token(talk.store, ann, talk.slug, secret) for _ in range(2))
    assert first == second
    assert len(talk.rows(Token)) == len(talk.rows(LoginSession)) == 1
    stored = str(talk.rows(Token)) + str(talk.rows(LoginSession))
    assert secret not in stored
    assert first.secret not in stored
    actor = actor_of_token(talk.store, first.secret, secret)
    assert (actor.account_id, actor.project_id) == (ann.account_id, talk.project_id)


def test_a_screen_token_works_only_with_the_cookie_it_came_from(talk):
    token = label_token(talk.store, talk.actor("ann"), talk.slug, new_session_secret())
    other = new_session_secret()
    label_token(talk.store, talk.actor("bob"), talk.slug, other)
    for secret in (None, "", "forged", other):
        with pytest.raises(ForbiddenError, match="unknown, expired or revoked"):
            actor_of_token(talk.store, token.secret, secret)


def test_signing_out_ends_the_tokens_of_the_screens(talk):
    secret = new_session_secret()
    token = label_token(talk.store, talk.actor("ann"), talk.slug, secret)
    sign_out(talk.store, secret)
    with pytest.raises(ForbiddenError):
        actor_of_token(talk.store, token.secret, secret)
    with pytest.raises(InputError, match="session is over"):
        label_token(talk.store, talk.actor("ann"), talk.slug, secret)


def test_a_session_ends_by_itself(talk):
    signed_in = sign_in(talk.store, create_token(talk.store, talk.owner, "ann", talk.slug).secret)
    token = label_token(talk.store, signed_in.actor, talk.slug, signed_in.secret)
    talk.run(update(LoginSession).values(expires_at=now() - timedelta(seconds=1)))
    assert actor_of_session(talk.store, signed_in.secret) == local_actor(talk.store)
    with pytest.raises(ForbiddenError):
        actor_of_token(talk.store, token.secret, signed_in.secret)


def test_a_screen_token_signs_nobody_in(talk):
    token = label_token(talk.store, talk.actor("ann"), talk.slug, new_session_secret())
    with pytest.raises(ForbiddenError, match="personal one"):
        sign_in(talk.store, token.secret)


def test_who_may_not_label_gets_no_screen_token(talk):
    with pytest.raises(NotFoundError):
        label_token(talk.store, talk.actor("eve", role=None), talk.slug, new_session_secret())
    with pytest.raises(InputError, match="sends no cookie"):
        label_token(talk.store, talk.actor("ann", Role.ANNOTATOR), talk.slug, None)
