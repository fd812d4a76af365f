"""Personal tokens: shown once, kept as a hash, good for one account and at most one project."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from labeling.domain import Actor, Role
from labeling.errors import ForbiddenError, InputError, NotFoundError
from labeling.services.progress import progress
from labeling.services.tokens import actor_of_token, create_token, hash_of
from labeling.storage.tables import Account, LoginSession, Member, Token, now
from tests.services.labelling import Labelling, make_labelling


@pytest.fixture
def talk(store) -> Labelling:
    return make_labelling(store, pairs=1)


def test_a_token_makes_the_account_and_the_membership_once(talk):
    first = create_token(talk.store, talk.owner, "  Ann  Lee ", talk.slug)
    assert (first.annotator, first.made_account, first.made_member) == ("Ann Lee", True, True)
    second = create_token(talk.store, talk.owner, "Ann Lee", talk.slug)
    assert (second.made_account, second.made_member) == (False, False)
    assert first.secret != second.secret
    ann = actor_of_token(talk.store, second.secret)
    assert (ann.name, ann.is_admin, ann.project_id) == ("Ann Lee", False, talk.project_id)
    assert progress(talk.store, ann, talk.slug).total == 1
    assert [row.role for row in talk.rows(Member, Member.account_id == ann.account_id)] == ["annotator"]


def test_only_a_hash_is_stored(talk):
    token = create_token(talk.store, talk.owner, "ann", talk.slug)
    for row in talk.rows(Token):
        assert token.secret not in str(row)
        assert token.secret.removeprefix("tbk_") not in str(row)
        assert len(row.secret_hash) == 64


@pytest.mark.parametrize("secret", ["", "tbk_", "tbk_forged", "Bearer", "tbk_\udc80\x00", "ümlaut"])
def test_a_forged_token_is_refused(talk, secret):
    with pytest.raises(ForbiddenError, match="unknown, expired or revoked"):
        actor_of_token(talk.store, secret)


@pytest.mark.parametrize("column", ["expires_at", "revoked_at"])
def test_an_expired_or_revoked_token_is_refused(talk, column):
    token = create_token(talk.store, talk.owner, "ann", talk.slug)
    talk.run(update(Token).values({column: now() - timedelta(seconds=1)}))
    with pytest.raises(ForbiddenError):
        actor_of_token(talk.store, token.secret)


def test_a_token_ends_with_its_account_and_its_session(talk):
    token = create_token(talk.store, talk.owner, "ann", talk.slug)
    account_id = actor_of_token(talk.store, token.secret).account_id
    with talk.store.writing() as session:
        login = LoginSession(
            account_id=account_id, secret_hash=hash_of("cookie"), expires_at=now() + timedelta(hours=1)
        )
        session.add(login)
        session.flush()
        login_id = login.id
    talk.run(update(Token).values(session_id=login_id))
    assert actor_of_token(talk.store, token.secret, "cookie")
    talk.run(update(LoginSession).values(ended_at=now()))
    with pytest.raises(ForbiddenError):
        actor_of_token(talk.store, token.secret, "cookie")
    talk.run(
        update(Token).values(session_id=None), update(Account).where(Account.id == account_id).values(disabled_at=now())
    )
    with pytest.raises(ForbiddenError):
        actor_of_token(talk.store, token.secret)


def test_a_token_of_one_project_opens_no_other(talk):
    other = make_labelling(talk.store, pairs=1, name="Other")
    other.actor("ann")
    token = create_token(talk.store, talk.owner, "ann", talk.slug)
    with pytest.raises(NotFoundError):
        progress(talk.store, actor_of_token(talk.store, token.secret), other.slug)


def test_who_may_not_manage_members_makes_no_tokens(talk):
    lead, annotator = talk.actor("lead", Role.LEAD), talk.actor("ann")
    for actor in (lead, annotator):
        with pytest.raises(ForbiddenError):
            create_token(talk.store, actor, "new", talk.slug)
        with pytest.raises(ForbiddenError):
            create_token(talk.store, actor, "new")
    owner = talk.actor("second owner", Role.OWNER)
    assert create_token(talk.store, owner, "new", talk.slug).made_account
    with pytest.raises(ForbiddenError, match="administrator"):
        create_token(talk.store, owner, "owner", talk.slug)
    narrowed = Actor(talk.owner.account_id, "owner", is_admin=True, project_id=talk.project_id)
    with pytest.raises(ForbiddenError):
        create_token(talk.store, narrowed, "new")


def test_a_name_and_a_project_must_exist(talk):
    with pytest.raises(InputError):
        create_token(talk.store, talk.owner, "  ")
    with pytest.raises(InputError):
        create_token(talk.store, talk.owner, "x" * 81)
    with pytest.raises(NotFoundError):
        create_token(talk.store, talk.owner, "ann", "nowhere")
    assert not talk.rows(Account, Account.name == "ann")
