import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.services.personal_data import KINDS, find, kinds_in, mask, masked

KEY = "sk-" + "a1B2c3D4e5F6g7H8"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Write to ana.bell+shop@mail.example.org today", "Write to [mail] today"),
        ("Call +44 20 7946 0958.", "Call [phone]."),
        ("Call (020) 7946 0958 or 555-010-9999", "Call [phone] or [phone]"),
        ("Ring 030 1234 5678", "Ring [phone]"),
        ("Ring 0171 2345678 or 030/1234567", "Ring [phone] or [phone]"),
        ("415 555-2671, 1-800-555-0199, 138 0013 8000", "[phone], [phone], [phone]"),
        ("0049 30 123456 it is", "[phone] it is"),
        ("Card 4111 1111 1111 1111, 12/29", "Card [card], 12/29"),
        ("Card 4111-1111-1111-1111", "Card [card]"),
        ("378282246310005", "378282246310005".replace("378282246310005", "[card]")),
        ("4111 1111 1111 1111 12/27 or 4111 1111 1111 1111 123", "[card] 12/27 or [card] 123"),
        ("ana,4111111111111111,12/27", "ana,[card],12/27"),
        ("card=4111111111111111, 4111111111111111/123", "card=[card], [card]/123"),
        ("4111\u00a01111\u00a01111\u00a01111 and 3782 822463 10005 1234", "[card] and [card] 1234"),
        ("6304\u202f0000\u202f0000\u202f0000", "[card]"),
        ("+4915112345678 or (+4915112345678), tel=+4915112345678", "[phone] or ([phone]), tel=[phone]"),
        ("+4111111111111111", "[card]"),
        (f"export KEY={KEY}", "export KEY=[key]"),
        (f"the key {KEY}, revoked", "the key [key], revoked"),
        ("AKIA" + "A" * 16, "[key]"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "[key]"),
        ("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIE\n-----END RSA PRIVATE KEY-----.", "[key]."),
        ("-----BEGIN PGP PRIVATE KEY BLOCK-----\nlQO=\n-----END PGP PRIVATE KEY BLOCK-----", "[key]"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\nEFAASCBKcwggSjAgEAAoIB\nand on", "[key]\nand on"),
        ("ana@mail.example, ben@mail.example", "[mail], [mail]"),
    ],
)
def test_what_looks_like_it_is_found_and_masked(text, masked):
    kinds: set[str] = set()
    assert mask(text, kinds) == masked
    assert kinds == {one.kind for one in find(text)}


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112 has no valid check digit",
        "0000 0000 0000 0000",
        "In 2024-05-17 it was 12.05.2024",
        "2024-05-17 10:30:00",
        "10.0.0.1 and 192.168.100.200",
        "pi is 3.14159265358979",
        "order 20240517 of 12345678",
        "1,234,567,890 people",
        "ISBN 978-3-16-148410-0",
        "00101101 is 45, order 00001234",
        "https://example.org/4111111111111111 and 1.4111111111111111",
        "an @mention and a@b",
        "sk-short and hf_no",
        "https://example.org/12345678/0301234567",
        "room 1012 345678, 100 2000 3000",
        "7 8 9 10 11 12 13",
        "",
    ],
)
def test_what_only_resembles_it_is_left_alone(text):
    assert [one for one in find(text) if one.kind != "mail"] == []
    assert mask(text, set()) == text


def test_a_key_with_digits_is_a_key_and_nothing_is_found_twice():
    text = f"{KEY} a@mail.example"
    assert [one.kind for one in find(text)] == ["key", "mail"]


def test_the_kinds_are_told_as_bits():
    assert kinds_in("a@mail.example +44 20 7946 0958") == 0b0011
    assert kinds_in("nothing here") == 0
    assert KINDS == ("mail", "phone", "card", "key")


@given(st.text(alphabet="0123456789 +-().@abc_sk\n", max_size=80))
def test_a_masked_text_has_nothing_left_to_find_of_the_same_place(text):
    places = find(text)
    assert all(one.end <= other.start for one, other in itertools.pairwise(places))
    assert (mask(text, set()) == text) == (not places)
    assert bool(kinds_in(text)) == bool(places)


def test_the_arguments_of_a_call_stay_json():
    call = {
        "id": "1",
        "function": {"name": "send", "arguments": '{"to": "ana@mail.example", "n": 4111111111111111, "m": 7}'},
    }
    kinds: set[str] = set()
    said = masked(call, kinds)["function"]
    assert said == {"name": "send", "arguments": '{"to": "[mail]", "n": "[card]", "m": 7}'}
    assert kinds == {"mail", "card"}
    assert masked({"role": "user", "content": "ana@mail.example"}, kinds) == {"role": "user", "content": "[mail]"}


def test_arguments_whose_names_are_the_same_once_masked_are_all_kept():
    said = {"a@b.com": 1, "[mail]": 2, "c@d.com": 3, "[mail] 3": 4, "n": 4111111111111111.0}
    kinds: set[str] = set()
    assert masked(said, kinds) == {"[mail] 2": 1, "[mail]": 2, "[mail] 4": 3, "[mail] 3": 4, "n": "[card]"}
    assert kinds == {"mail", "card"}
    kept = [1.5, 2.0, float("inf"), 1e300, -7.0, True]
    assert str(masked(kept, set())) == str(kept)
