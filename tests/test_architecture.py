"""Who may import what, said once, so that nobody has to remember it."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Where each outside package may be imported. Everything else asks the part that owns it.
HOMES = {
    "streamlit": ("app.py", "labeling/ui"),
    "starlette": ("app.py", "labeling/web"),
    "openai": ("labeling/llm",),
    "aiohttp": ("labeling/llm",),
    "httpx": ("labeling/llm",),
    "httpx2": ("labeling/llm",),
    "requests": ("labeling/llm",),
    "sqlmodel": ("labeling/storage",),
    "sqlalchemy": ("labeling/storage",),
    "alembic": ("labeling/storage",),
    "psycopg": ("labeling/storage",),
    "sqlite3": ("labeling/storage",),
    "typer": ("labeling/cli",),
}

# Half a second and more each: imported by the function that needs them, so that --help stays quick.
HEAVY = {"datasets", "genai_prices", "openai", "pandas", "pyarrow", "scipy", "streamlit"}

PURE = {"labeling/domain.py", "labeling/errors.py"}


def program_files() -> list[Path]:
    found = [ROOT / "app.py", ROOT / "tiebreak.py", *ROOT.glob("labeling/**/*.py"), *ROOT.glob("exporters/**/*.py")]
    return [path for path in found if path.exists()]


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(node: ast.AST) -> Iterator[tuple[str, int]]:
    """The modules imported under `node`, each with its line; those for type checkers alone are not."""
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.Import():
                yield from ((name.name, child.lineno) for name in child.names)
            case ast.ImportFrom(module=str(module)):
                yield module, child.lineno
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                for other in child.orelse:
                    yield from imports(other)
            case _:
                yield from imports(child)


def top_imports(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """What importing the module itself imports: nothing inside a function."""
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from imports(ast.Module(body=[node], type_ignores=[]))


@pytest.fixture(scope="module")
def trees() -> dict[str, ast.Module]:
    return {relative(path): ast.parse(path.read_text(), str(path)) for path in program_files()}


def test_the_contracts_in_pyproject_are_kept():
    tool = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([tool, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_an_outside_package_is_imported_only_by_the_part_that_owns_it(trees):
    faults = [
        f"{name}:{line} imports {module}, which belongs to {' and '.join(HOMES[module.split('.')[0]])}"
        for name, tree in trees.items()
        for module, line in imports(tree)
        if not name.startswith(HOMES.get(module.split(".")[0], ("",)))
    ]
    assert not faults


def test_heavy_packages_are_imported_inside_the_functions_that_need_them(trees):
    faults = [
        f"{name}:{line} imports {module} at its top"
        for name, tree in trees.items()
        if name != "app.py" and not name.startswith("labeling/ui/")
        for module, line in top_imports(tree)
        if module.split(".")[0] in HEAVY
    ]
    assert not faults


def test_words_and_errors_need_only_the_standard_library(trees):
    allowed = sys.stdlib_module_names | {"labeling"}
    faults = [
        f"{name}:{line} imports {module}"
        for name in PURE
        for module, line in imports(trees[name])
        if module.split(".")[0] not in allowed
    ]
    assert not faults


def test_only_the_tables_of_the_storage_hold_tables(trees):
    faults = [
        f"{name}:{node.lineno} {node.name}"
        for name, tree in trees.items()
        if not name.startswith("labeling/storage/tables/")
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and any(keyword.arg == "table" for keyword in node.keywords)
    ]
    assert not faults


def test_importing_the_command_loads_nothing_heavy():
    program = "import sys, tiebreak; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split())


def test_tests_mirror_the_code():
    """`tests/readers/test_csv.py` tests `labeling/readers/csv.py`, or a folder or a module of that name's subject."""
    folders = {relative(path).removeprefix("labeling/") for path in ROOT.glob("labeling/**") if path.is_dir()}
    own = {"browser", "fixtures", "exporters", "data", "benchmarks"}
    strays = [
        relative(path)
        for path in ROOT.glob("tests/**/test_*.py")
        if (folder := path.parent.relative_to(ROOT / "tests").as_posix()) != "."
        and folder not in folders
        and folder.split("/")[0] not in own
    ]
    assert not strays
