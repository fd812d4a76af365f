"""The project itself: what is tracked, pinned, configured and documented."""

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Put together here, so that this file does not hold what it looks for.
REGISTRIES = re.compile(
    rb"https?://[^\s\"']*("
    + b"|".join([b"py" + rb"pi\.org", b"pytho" + b"nhosted", b"npm" + rb"js\.", b"/sim" + b"ple/"])
    + b")"
)
MACHINE_PATHS = re.compile(
    b"|".join(
        [
            b"/wo" + b"rk/",
            b"/ho" + rb"me/[a-z]",
            b"/ro" + rb"ot/",
            b"/opt/" + b"(?:wheels|py" + b"pi)",
            b"file" + b":///opt",
        ]
    )
)
KEYS = re.compile(rb"\bsk-[A-Za-z0-9_-]{40,}|\bhf_[A-Za-z0-9]{30,}")


@pytest.fixture(scope="module")
def tracked() -> dict[str, bytes]:
    """Every file that is or would be committed, with its content."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    names = [name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]
    return {name: (ROOT / name).read_bytes() for name in names}


@pytest.fixture(scope="module")
def readme() -> str:
    return (ROOT / "README.md").read_text()


@pytest.mark.parametrize("needle", [REGISTRIES, MACHINE_PATHS, KEYS], ids=["registry", "machine path", "key"])
def test_no_tracked_file_names_a_registry_a_path_of_one_machine_or_a_key(tracked, needle):
    found = [(name, match.group()) for name, content in tracked.items() if (match := needle.search(content))]
    assert not found


def test_no_database_is_tracked(tracked):
    assert not [name for name in tracked if re.search(r"\.(db|sqlite)(-\w+)?$", name)]


def test_no_module_is_over_500_lines_but_the_first_migration(tracked):
    """The first migration makes the whole schema at once, and no migration is edited after its release to look better."""
    first = "labeling/storage/migrations/versions/0001_foundation.py"
    lengths = {name: content.count(b"\n") for name, content in tracked.items() if name.endswith((".py", ".js", ".css"))}
    assert [name for name, lines in lengths.items() if lines > 500] == [first]


def test_what_several_tests_share_stands_in_a_module_without_tests(tracked):
    borrowed = re.compile(rb"^(from tests[\w.]*\.test_|import tests[\w.]*\.test_)", re.MULTILINE)
    assert not [name for name, content in tracked.items() if name.endswith(".py") and borrowed.search(content)]


def test_constraints_hold_names_and_versions_alone():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert lines
    assert not [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line)]


def test_every_dependency_is_pinned_and_has_its_line_of_reason():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    pinned = {_plain(line.split("==")[0]) for line in (ROOT / "constraints.txt").read_text().splitlines()}
    wanted = {_plain(line) for line in project["dependencies"]}
    assert wanted | {_plain(line) for extra in ("postgres", "dev") for line in extras[extra]} <= pinned
    reasons = (ROOT / "docs/decisions/0002-dependencies.md").read_text()
    named = {_plain(name) for name in re.findall(r"`([A-Za-z0-9._\[\]-]+)`", reasons)}
    assert wanted | {_plain(line) for extra in extras.values() for line in extra} <= named


def _plain(requirement: str) -> str:
    """`psycopg[binary]>=3.3` as `psycopg`."""
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert name is not None
    return re.sub(r"[._-]+", "-", name.group()).lower()


def test_streamlit_sends_no_telemetry_shows_no_traceback_and_listens_on_loopback():
    config = tomllib.loads((ROOT / ".streamlit/config.toml").read_text())
    assert config["browser"]["gatherUsageStats"] is False
    assert config["client"]["showErrorDetails"] == "type"
    assert config["server"]["address"] == "127.0.0.1"
    assert {"light", "dark"} <= config["theme"].keys()


def test_streamlit_knows_every_option_in_the_configuration():
    from streamlit import config

    known = config.get_config_options().keys()
    written = tomllib.loads((ROOT / ".streamlit/config.toml").read_text())
    assert not [name for name in _dotted(written) if name not in known]


def _dotted(table: dict[str, object], prefix: str = "") -> list[str]:
    names: list[str] = []
    for key, value in table.items():
        names += _dotted(value, f"{prefix}{key}.") if isinstance(value, dict) else [prefix + key]
    return names


def test_the_readme_names_the_two_commands_and_the_words_a_newcomer_looks_for(readme):
    for words in ("make app", "make test", "PFT", "DPO", "TIEBREAK_DATABASE_URL"):
        assert words in readme


def test_the_readme_names_every_command(readme):
    commands = _commands()
    assert {"app", "import", "export", "project create"} <= set(commands)
    assert not [name for name in commands if f"`tiebreak {name}" not in readme]


def _commands() -> list[str]:
    """Every command with its group, such as `project create`."""
    import typer.main

    from labeling.cli import command as tiebreak

    def walk(command: object, prefix: str) -> list[str]:
        commands = getattr(command, "commands", None)
        if commands is None:
            return [prefix.strip()]
        return [name for key, inner in commands.items() for name in walk(inner, f"{prefix} {key}")]

    return walk(typer.main.get_command(tiebreak), "")


def test_a_setting_without_a_value_is_no_setting(monkeypatch, tmp_path):
    from labeling.settings import Settings

    monkeypatch.chdir(tmp_path)
    default = Settings().store_url
    monkeypatch.setenv("TIEBREAK_DATA_FOLDER", "")
    assert Settings().store_url == default == f"sqlite:///{tmp_path / 'data' / 'tiebreak.db'}"


def test_the_readme_names_every_setting(readme):
    from labeling.settings import Settings

    assert not [name for name in Settings.model_fields if f"`TIEBREAK_{name.upper()}`" not in readme]


def test_the_generators_and_the_judge_in_the_readme_can_be_read(readme):
    from labeling.services.label_rules import DEFAULT_RULES, read_rules
    from labeling.services.specs import read_generators, read_judge

    rules, generators, judge = re.findall(r"```toml\n(.*?)```", readme, re.DOTALL)
    assert read_rules(tomllib.loads(rules)) == DEFAULT_RULES
    assert [spec.name for spec in read_generators(generators.encode(), "README.md")] == ["concise"]
    assert read_judge(judge.encode(), "README.md", ROOT).name == "strict"


def test_the_readme_names_every_export_format(readme):
    from exporters import EXPORTERS

    assert not [name for name in EXPORTERS if f"`{name}`" not in readme]


def test_every_link_in_the_documents_leads_to_a_file():
    documents = [ROOT / "README.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/**/*.md")]
    dead = [
        (path.name, target)
        for path in documents
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text())
        if not (path.parent / target).exists()
    ]
    assert not dead


GOOD = {
    "input": {"messages": [{"role": "user", "content": "Hi"}]},
    "preferred_output": [{"role": "assistant", "content": "Hello"}],
    "non_preferred_output": [{"role": "assistant", "content": "Go"}],
}
BAD = GOOD | {"non_preferred_output": [{"role": "user", "content": "Go"}]}


@pytest.mark.parametrize(("record", "passes"), [(GOOD, True), (BAD, False)], ids=["good", "bad"])
def test_the_services_own_check_runs_here(together_check_file, tmp_path, record, passes):
    file = tmp_path / "train.jsonl"
    file.write_text(json.dumps(record) + "\n")
    assert together_check_file(file)["is_check_passed"] is passes


def test_every_test_that_a_document_names_exists(tracked):
    known = {
        name
        for path, content in tracked.items()
        if path.startswith("tests/")
        for name in re.findall(r"def (test_\w+)\(", content.decode(errors="ignore"))
    }
    named = {
        (path, name)
        for path, content in tracked.items()
        if path.endswith(".md")
        for name in re.findall(r"`(test_\w+)`", content.decode())
    }
    assert named
    assert not [(path, name) for path, name in sorted(named) if name not in known]


def test_the_keys_in_the_documents_are_the_keys_of_the_screen():
    source = (ROOT / "labeling/ui/label_screen/keys.js").read_text()
    defaults = dict(re.findall(r"(\w+): \"(.)\"", source.split("const DEFAULTS = {")[1].split("}")[0]))
    document = (ROOT / "docs/labelling.md").read_text()
    keys, more = document.split("## Nothing is lost")[0].split("Where the project asks for more:")
    assert [key for key in "sfu0vdlngh?" if f"`{key}`" not in keys] == []
    assert [key for key in "789kmio" if f"`{key}`" not in more] == []
    assert sorted(defaults.values()) == sorted("sfu0vdlngh?789kmio")
