import pytest

from labeling.llm.own_prices import own_prices
from labeling.services.generate import save_generators
from labeling.services.headers import kept_headers, set_headers
from labeling.services.keys import bind_key, list_keys
from labeling.services.specs import generator_spec
from tests.services.making import make_project
from tests.ui.opening import button, open_page, run, texts


@pytest.fixture
def making(sqlite_store, tmp_path, monkeypatch):
    monkeypatch.setenv("TIEBREAK_PRICES", str(tmp_path / "prices.toml"))
    return make_project(sqlite_store, prompts=1)


@pytest.fixture
def opened(making, sqlite_store_url, monkeypatch):
    return lambda: open_page("endpoints", making.slug, sqlite_store_url, monkeypatch)


def generator_at(making, url: str, model: str = "ours", **table: object) -> None:
    spec = generator_spec({"name": f"asks {model}", "base_url": url, "model": model, **table}, "here")
    save_generators(*making.place, [spec])


def press_in(page, opening: str, label: str) -> None:
    """Press a button of a dialog, which the test's runner closes at every run unless it is opened again."""
    button(page, opening).click()
    button(page, label).click()
    run(page)


def test_without_an_endpoint_the_page_sends_to_the_generators(opened):
    assert button(opened(), "Add generator")


def test_an_endpoint_stands_with_its_models_prices_and_headers(making, opened, chat_endpoint):
    generator_at(making, chat_endpoint.url)
    generator_at(making, "https://api.openai.com/v1", "gpt-4o-mini", key_env="OPENAI_API_KEY")
    set_headers(*making.place, chat_endpoint.url, {"X-Auth": "Bearer ${TEAM_KEY}"})
    page = opened()
    ours, listed = (table.value for table in page.dataframe)
    assert (ours["Model"][0], ours["Price by"][0], ours["Used by"][0]) == ("ours", "Unknown", "generator asks ours")
    assert listed["Price by"][0].startswith("genai-prices")
    assert [one.value for one in page.code] == ["x-auth: Bearer ${TEAM_KEY}"]


def test_headers_are_written_in_the_dialog_and_a_secret_in_the_open_is_refused(making, opened, chat_endpoint):
    generator_at(making, chat_endpoint.url)
    page = opened()
    button(page, "Headers").click()
    run(page)
    page.text_area[0].set_value("X-Auth: hunter2")
    press_in(page, "Headers", "Save headers")
    assert "looks like a secret" in texts(page)
    assert kept_headers(*making.place, chat_endpoint.url) == {}
    page.text_area[0].set_value("X-Auth: ${TEAM_KEY}\nX-Team: red")
    press_in(page, "Headers", "Save headers")
    assert kept_headers(*making.place, chat_endpoint.url) == {"x-auth": "${TEAM_KEY}", "x-team": "red"}


def test_an_unknown_price_stays_unknown_until_one_is_written_and_can_be_forgotten(making, opened, chat_endpoint):
    generator_at(making, chat_endpoint.url)
    page = opened()
    button(page, "Set price").click()
    run(page)
    assert button(page, "Save price").disabled
    fields = {one.label: one for one in page.number_input}
    assert [one.value for one in fields.values()] == [None, None, None]
    fields["In"].set_value(0.15)
    fields["Out"].set_value(0.6)
    button(page, "Set price").click()
    run(page)
    press_in(page, "Set price", "Save price")
    (price,) = own_prices()
    assert (price.model, price.base_url, price.input, price.output, price.cached_input) == (
        "ours", chat_endpoint.url, 0.15, 0.6, 0.15,
    )  # fmt: skip
    page = opened()
    assert page.dataframe[0].value["Price by"][0] == "Own price"
    button(page, "Set price").click()
    run(page)
    press_in(page, "Set price", "Forget own price")
    assert own_prices() == ()


def test_an_endpoint_is_tested_with_its_headers(making, opened, chat_endpoint):
    generator_at(making, chat_endpoint.url)
    set_headers(*making.place, chat_endpoint.url, {"X-Team": "red"})
    page = opened()
    button(page, "Test").click()
    run(page)
    assert "answered in" in texts(page).replace("&#45;", "-")


def test_an_owner_unbinds_a_variable(making, opened, chat_endpoint):
    generator_at(making, chat_endpoint.url)
    bind_key(*making.place, "MY_KEY", chat_endpoint.url)
    page = opened()
    button(page, "Unbind").click()
    run(page)
    assert list_keys(*making.place) == []
