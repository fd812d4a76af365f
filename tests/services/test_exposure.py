import pytest

from labeling.errors import ForbiddenError
from labeling.services.exposure import is_loopback, refuse_exposure


@pytest.mark.parametrize("address", ["127.0.0.1", "127.3.2.1", "::1", "[::1]", "localhost", "::ffff:127.0.0.1"])
def test_loopback_is_let_through(address):
    refuse_exposure(address)


@pytest.mark.parametrize(
    "address", ["0.0.0.0", "::", "[::]", "192.168.0.7", "", None, "no-such-host.invalid", "unix:///s"]
)
def test_what_others_could_reach_is_refused_with_one_way_out(address):
    with pytest.raises(ForbiddenError, match=r"does not start on .* 127\.0\.0\.1"):
        refuse_exposure(address)


def test_an_empty_address_is_named_for_what_it_binds():
    with pytest.raises(ForbiddenError, match="every interface"):
        refuse_exposure("")


@pytest.mark.parametrize("text", ["localhost", "evil.example", "", "0.0.0.0", "127.0.0.1:8501"])
def test_only_a_number_of_this_machine_is_loopback_without_asking_a_resolver(text):
    assert not is_loopback(text)
