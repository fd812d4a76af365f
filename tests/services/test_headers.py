"""Further headers of an endpoint: sent with every request to it, and their secrets nowhere else."""

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from labeling.domain import Role, RunMode, RunState
from labeling.errors import ForbiddenError, InputError
from labeling.llm.headers import filled
from labeling.services import runs
from labeling.services.endpoints import ask_now, check_endpoint
from labeling.services.generate import GenerationPlan, start_generation
from labeling.services.headers import checked_headers, set_headers, with_headers
from labeling.services.judge import structured_format
from labeling.services.keys import bind_key, list_keys
from labeling.services.spec_files import generators_toml, judge_toml
from labeling.services.specs import judge_spec, read_generators, read_judges
from labeling.services.worker import work
from labeling.storage.tables import EndpointHeader, metadata
from tests.llm.endpoint import Endpoint, Step
from tests.services.batch_server import BatchServer
from tests.services.engine import planned, spec_of, start
from tests.services.making import Making, make_project

SECRET = "tomato-4711-aubergine"
HEADERS = {"X-Team": "red", "X-Gateway-Auth": "Bearer ${GATEWAY_KEY}"}
SENT = {"x-team": "red", "x-gateway-auth": f"Bearer {SECRET}"}


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as started:
        yield started


@pytest.fixture(autouse=True)
def _secret(monkeypatch):
    monkeypatch.setenv("GATEWAY_KEY", SECRET)


def has_all(headers: dict[str, str]) -> bool:
    return SENT.items() <= headers.items()


def everything_stored(making: Making) -> str:
    with making.store.reading() as session:
        return "\n".join(str(row) for table in metadata.sorted_tables for row in session.execute(select(table)).all())


def test_every_request_of_a_run_has_them_and_other_projects_have_none(store, endpoint):
    making, other = make_project(store, prompts=5), make_project(store, prompts=2, name="Other")
    set_headers(*making.place, endpoint.base_url, HEADERS)
    start(making, [spec_of(endpoint)])
    work(store, once=True)
    assert len(endpoint.headers) == 5
    assert all(map(has_all, endpoint.headers))
    start(other, [spec_of(endpoint, "another")], key="other")
    work(store, once=True)
    assert not any("x-team" in headers for headers in endpoint.headers[5:])


def test_a_file_of_generators_brings_them_along_and_gets_them_back(store, endpoint):
    making = make_project(store, prompts=2)
    text = f"""
    [[generator]]
    name = "one"
    base_url = "{endpoint.base_url}"
    model = "m"
    headers = {{ X-Team = "red", X-Gateway-Auth = "Bearer ${{GATEWAY_KEY}}" }}
    """
    specs = read_generators(text, "generators.toml")
    start_generation(*making.place, GenerationPlan(specs), idempotency_key="once")
    work(store, once=True)
    assert len(endpoint.headers) == 2
    assert all(map(has_all, endpoint.headers))
    written = generators_toml(with_headers(*making.place, specs))
    assert SECRET not in written
    assert read_generators(written, "again.toml")[0].headers == {name.lower(): value for name, value in HEADERS.items()}


def test_a_test_a_trial_and_the_probe_of_a_judge_have_them(sqlite_store, endpoint):
    making = make_project(sqlite_store, prompts=1)
    set_headers(*making.place, endpoint.base_url, HEADERS)
    check_endpoint(*making.place, base_url=endpoint.base_url, model="m", key_env=None)
    ask_now(*making.place, list(planned(making, spec_of(endpoint))))
    table = {"name": "j", "base_url": endpoint.base_url, "model": "judge", "rubric": "helpful"}
    structured_format(*making.place, judge_spec(table, "The form"))
    assert len(endpoint.headers) == 4  # the test asks for the list of models, too
    assert all(map(has_all, endpoint.headers))


def test_uploads_batches_and_downloads_have_them_and_the_uploaded_file_has_not(store):
    with BatchServer() as server:
        making = make_project(store, prompts=3)
        set_headers(*making.place, server.base_url, HEADERS)
        spec = read_generators(
            f'[[generator]]\nname = "g"\nbase_url = "{server.base_url}"\nmodel = "sandbox-large"', "generators.toml"
        )
        run = start_generation(*making.place, GenerationPlan(spec), idempotency_key="once", mode=RunMode.BATCH)
        work(store, once=True)
        assert runs.run_view(*making.place, run.id).answered == 3
        asked = {path.split("/")[1] for _, path in server.calls}
        assert asked == {"files", "batches"}
        assert all(map(has_all, server.headers))
        sent = [path for path in server.desk._folder.iterdir() if b"custom_id" in path.read_bytes()]
        assert sent
        assert not any(b"x-team" in path.read_bytes() or SECRET.encode() in path.read_bytes() for path in sent)


def test_a_secret_is_in_no_table_and_in_no_fault(store, endpoint, caplog, capfd):
    making = make_project(store, prompts=2)
    set_headers(*making.place, endpoint.base_url, HEADERS)
    endpoint.poison["question 0"] = Step(400, {"error": {"message": f"bad header Bearer {SECRET}"}})
    endpoint.poison["question 1"] = Step(200, _echo())
    run = start(making, [spec_of(endpoint)])
    work(store, once=True)
    (failure,) = runs.failures(*making.place, run.id)
    assert "bad header" in failure.message
    assert runs.run_view(*making.place, run.id).answered == 1
    stored = everything_stored(making)
    assert "You sent Bearer [key]" in stored
    assert SECRET not in stored + failure.message + caplog.text + "".join(capfd.readouterr())


def _echo() -> dict[str, object]:
    message = {"role": "assistant", "content": f"You sent Bearer {SECRET}"}
    return {"choices": [{"index": 0, "finish_reason": "stop", "message": message}]}


def test_a_variable_that_is_not_set_stops_the_run_and_names_header_and_variable(store, endpoint, monkeypatch):
    making = make_project(store, prompts=3)
    set_headers(*making.place, endpoint.base_url, HEADERS)
    monkeypatch.delenv("GATEWAY_KEY")
    run = start(making, [spec_of(endpoint)])
    work(store, once=True)
    view = runs.run_view(*making.place, run.id)
    assert view.state is RunState.STOPPED
    assert re.match(r"The header x-gateway-auth cannot be sent: The key variable GATEWAY_KEY is not set;", view.fault)
    assert endpoint.headers == []


def test_a_variable_is_bound_to_its_endpoints_origin_and_goes_nowhere_else(store, endpoint):
    making = make_project(store)
    set_headers(*making.place, endpoint.base_url, HEADERS)
    assert [(one.variable, one.origin) for one in list_keys(*making.place)] == [("GATEWAY_KEY", endpoint.origin)]
    with pytest.raises(InputError, match=r"GATEWAY_KEY is bound to"):
        set_headers(*making.place, "https://evil.example/v1", HEADERS)
    bind_key(*making.place, "OTHER_KEY", "https://api.openai.com/v1")
    lead = making.member("lea", Role.LEAD)
    with pytest.raises(InputError, match=r"OTHER_KEY is bound to"):
        set_headers(store, lead, making.slug, endpoint.base_url, {"X-Auth": "${OTHER_KEY}"})
    with pytest.raises(ForbiddenError, match="not on the list"):
        set_headers(store, lead, making.slug, endpoint.base_url, {"X-Auth": "${THIRD_KEY}"})
    with pytest.raises(ForbiddenError):
        set_headers(store, making.member("ana", Role.ANNOTATOR), making.slug, endpoint.base_url, {"X-Team": "red"})
    assert [row.name for row in making.rows(EndpointHeader)] == ["x-gateway-auth", "x-team"]


def test_what_the_program_itself_is_set_up_with_is_no_header(store, endpoint):
    with pytest.raises(InputError, match="not the name of a key variable"):
        set_headers(*make_project(store).place, endpoint.base_url, {"X-Auth": "${TIEBREAK_DATABASE_URL}"})


def test_a_header_of_the_keys_name_takes_its_place(sqlite_store, endpoint, monkeypatch):
    monkeypatch.setenv("MY_KEY", "the-key")
    making = make_project(sqlite_store)
    set_headers(*making.place, endpoint.base_url, {"Authorization": "Token ${GATEWAY_KEY}"})
    check_endpoint(*making.place, base_url=endpoint.base_url, model="m", key_env="MY_KEY")
    assert {headers["authorization"] for headers in endpoint.headers} == {f"Token {SECRET}"}


def test_setting_them_again_replaces_all_of_them(sqlite_store, endpoint):
    making = make_project(sqlite_store)
    set_headers(*making.place, endpoint.base_url, HEADERS)
    set_headers(*making.place, endpoint.base_url + "/", {"X-Other": "blue"})
    assert [(row.name, row.value) for row in making.rows(EndpointHeader)] == [("x-other", "blue")]
    set_headers(*making.place, endpoint.base_url, {})
    assert making.rows(EndpointHeader) == []


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ("X-Team: red", "headers must be a table"),
        ({"X Team": "red"}, "a name that is none"),
        ({"X-Team\r\nHost": "red"}, "a name that is none"),
        ({"Content-Length": "5"}, "Content-Length is set by Tiebreak itself"),
        ({"host": "evil.example"}, "host is set by Tiebreak itself"),
        ({"X-Team": "red", "x-team": "blue"}, "x-team is written twice"),
        ({"X-Team": ""}, "X-Team has no text"),
        ({"X-Team": 5}, "X-Team has no text"),
        ({"X-Team": "red\r\nX-Evil: 1"}, "must be one line"),
        ({"X-Team": "rød"}, "without accents"),
        ({"X-Team": "a" * 3000}, "at most 2,000"),
        ({"X-Auth": "plain words"}, "looks like a secret"),
        ({"X-Team": "Bearer abcdef"}, "looks like a secret"),
        ({"X-Team": "sk-abcdef123456"}, "looks like a secret"),
        ({"X-Auth": "${sk-abcdef123456}"}, "names its variable in no way"),
        ({"X-Auth": "${GATEWAY_KEY"}, "names its variable in no way"),
        ({"X-Auth": "${}"}, "names its variable in no way"),
        ({f"X-{number}": "a" for number in range(21)}, "at most 20"),
    ],
)
def test_what_is_no_header_or_holds_a_secret_is_refused_unseen(headers, told):
    with pytest.raises(InputError, match=re.escape(told)) as raised:
        checked_headers(headers, "judge.toml, judge")
    assert str(raised.value).startswith("judge.toml, judge: ")
    for hidden in ("plain words", "abcdef", "evil"):
        assert hidden not in str(raised.value).replace("evil.example", "")


def test_the_sandbox_has_none_and_a_file_that_disagrees_with_itself_is_refused():
    table = (
        '[[judge]]\nname = "{0}"\nbase_url = "{1}"\nmodel = "m"\nrubric = "helpful"\nheaders = {{ X-Team = "{0}" }}\n'
    )
    with pytest.raises(InputError, match="the sandbox reads no headers"):
        read_judges(table.format("a", "sandbox"), "judge.toml")
    with pytest.raises(InputError, match=r"a and b write different headers for https://host/v1"):
        read_judges(table.format("a", "https://host/v1") + table.format("b", "https://host/v1"), "judge.toml")
    (judge,) = read_judges(table.format("a", "https://host/v1"), "judge.toml")
    assert read_judges(judge_toml(judge), "again.toml")[0].headers == {"x-team": "a"}


def test_headers_that_are_filled_in_do_not_print_themselves():
    assert SECRET not in repr(filled({"x-auth": "${GATEWAY_KEY}"}))
