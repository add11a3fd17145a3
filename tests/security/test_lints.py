"""What no line of the product may hold, found in its source: one test a habit that would hurt."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_project import PRODUCT, ROOT

TEMPLATES = ("portal/templates", "mail/templates", "examples/reference_platform/templates")
PORTAL = TEMPLATES[0]
FROM_THE_REQUEST = re.compile(
    r"\burl_for\b|\burl_path_for\b|\bbase_url\b|\brequest\.url\b(?!\.path)"
)
UNESCAPED = re.compile(r"\|\s*safe\b|\bautoescape\s+(false|off)\b|\bMarkup\s*\(", re.IGNORECASE)
IN_THE_PAGE = re.compile(r"<script(?![^>]*\bsrc=)|<style\b|\sstyle=|\son[a-z]+=|javascript:", re.I)
FORBIDDEN_HANDLERS = {"signal", "update", "query", "validator"}


def modules() -> list[Path]:
    """Return every module of the product."""
    return [ROOT / "worker.py", *(p for one in PRODUCT for p in sorted((ROOT / one).rglob("*.py")))]


def calls(source: str) -> Iterator[tuple[str, ast.Call]]:
    """Yield the calls in a module, with the last word of what is called."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Name(id=name) | ast.Attribute(attr=name):
                    yield name, node


def is_fixed(node: ast.expr) -> bool:
    """Whether an argument is text as it stands in the source: nothing is put into it."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def sql_made_of_parts(source: str) -> list[int]:
    """Return the lines on which SQL text is not fixed."""
    names = {"text", "exec_driver_sql", "execute", "executescript", "literal_column"}
    by_driver = names - {"execute"}
    found = []
    for name, call in calls(source):
        if name not in names or not call.args:
            continue
        first = call.args[0]
        is_joined = isinstance(first, ast.JoinedStr | ast.BinOp) or (
            isinstance(first, ast.Call)
            and isinstance(first.func, ast.Attribute)
            and first.func.attr in ("format", "join")
        )
        if is_joined or (name in by_driver and not all(map(is_fixed, _ends(first)))):
            found.append(call.lineno)
    return found


def typed_handlers(source: str) -> list[int]:
    """Return the lines of handlers of Temporal's messages that are not dynamic and raw."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for one in node.decorator_list:
            named, words = (
                (one.func, {word.arg for word in one.keywords})
                if isinstance(one, ast.Call)
                else (one, set())
            )
            name = named.attr if isinstance(named, ast.Attribute) else ""
            is_dynamic = name in ("signal", "update") and "dynamic" in words
            if name in FORBIDDEN_HANDLERS and not is_dynamic:
                found.append(node.lineno)
    return found


def open_redirects(source: str) -> list[int]:
    """Return the lines on which a redirect leads to what is not visibly a path of ours."""
    return [
        call.lineno
        for name, call in calls(source)
        if name == "RedirectResponse" and not all(map(_is_ours, _ends(call.args[0])))
    ]


def _ends(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.IfExp(body=one, orelse=other):
            yield from (*_ends(one), *_ends(other))
        case ast.BoolOp(values=values):
            for value in values:
                yield from _ends(value)
        case _:
            yield node


def _is_ours(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=str(path)):
            return path.startswith("/") and not path.startswith("//")
        case ast.JoinedStr(values=[ast.Constant(value=str(path)), *_]):
            return re.match(r"/[a-z]", path) is not None
        case ast.Call(func=ast.Attribute(value=ast.Name(id="cookies"), attr="goal")):
            return True  # it is sealed by us, and a path
        case _:
            return False


# Where SQL is fixed, but not in the call, and how often: a constant schema, constant pragmas.
FIXED_SQL = {"examples/reference_platform/database.py": 1, "store/sqlite_connection.py": 1}
# Redirects whose goal is computed, and why each is a path of ours.
COMPUTED = {
    "portal/acts.py": "the sheet's own path, or what the page's own `goal` makes of a receipt",
    "portal/pages/passkeys.py": "`landing`, or the page of one's account, a constant of the module",
    "portal/pages/pairings.py": "the pairing's own path",
    "portal/pages/sign_in.py": "`landing`: the goal that we sealed, or a page of ours",
    "portal/pages/provider.py": "the provider that the settings name",
}


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ('text(f"SELECT {name}")', [1]),
        ('text("SELECT " + name)', [1]),
        ('text("SELECT {}".format(name))', [1]),
        ('connection.execute("SELECT %s" % name)', [1]),
        ("connection.exec_driver_sql(statement)", [1]),
        ("text(statement)", [1]),
        ('text("SELECT 1")', []),
        ("connection.execute(select(t.c.id))", []),
    ],
)
def test_the_search_for_sql_made_of_parts_finds_it(source: str, lines: list[int]) -> None:
    assert sql_made_of_parts(source) == lines


def test_no_sql_is_made_of_parts() -> None:
    found = {
        str(path.relative_to(ROOT)): len(lines)
        for path in modules()
        if "migrations" not in path.parts
        if (lines := sql_made_of_parts(path.read_text(encoding="utf-8")))
    }

    assert found == FIXED_SQL


@pytest.mark.parametrize("folder", TEMPLATES)
def test_no_template_leaves_text_unescaped_or_runs_script_of_its_own(folder: str) -> None:
    pages = sorted((ROOT / folder).rglob("*.*"))
    wrong = {
        str(page.relative_to(ROOT)): found.group()
        for page in pages
        for pattern in (UNESCAPED, IN_THE_PAGE)
        if folder == PORTAL or pattern is UNESCAPED  # the portal's policy forbids both
        if page.suffix in (".html", ".txt")
        if (found := pattern.search(page.read_text(encoding="utf-8")))
    }

    assert pages != []
    assert wrong == {}


def test_markup_is_made_of_fixed_text_alone() -> None:
    made = {
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in modules()
        for name, call in calls(path.read_text(encoding="utf-8"))
        if name == "Markup" and not (call.args and is_fixed(call.args[0]))
    }

    assert made == set()


def test_every_environment_of_templates_escapes() -> None:
    kinds: dict[str, object] = {}
    for path in modules():
        for name, call in calls(path.read_text(encoding="utf-8")):
            if name in ("Environment", "SandboxedEnvironment", "Jinja2Templates"):
                words = {word.arg: ast.unparse(word.value) for word in call.keywords}
                kinds[str(path.relative_to(ROOT))] = (words["autoescape"], words["undefined"])

    assert kinds == {
        "examples/reference_platform/landing.py": ("True", "StrictUndefined"),
        "mail/render.py": (
            "select_autoescape(('html',), ('txt',), default=True)",
            "StrictUndefined",
        ),
        "portal/render.py": ("True", "StrictUndefined"),
    }


def test_no_address_is_made_of_what_a_request_says_of_its_host() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {one.group()}"
        for folder in ("portal", "mail", "starter", "activities")
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in (".py", ".html", ".txt")
        for one in FROM_THE_REQUEST.finditer(path.read_text(encoding="utf-8"))
    ]

    assert found == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("RedirectResponse(goal, 303)", [1]),
        ('RedirectResponse("//evil.example", 303)', [1]),
        ('RedirectResponse("https://evil.example", 303)', [1]),
        ('RedirectResponse(f"/{path}", 303)', [1]),
        ('RedirectResponse(request.query_params["next"])', [1]),
        ('RedirectResponse(f"/sessions/{one}", 303)', []),
        ('RedirectResponse("/" if a else "/sign-in", 303)', []),
    ],
)
def test_the_search_for_open_redirects_finds_them(source: str, lines: list[int]) -> None:
    assert open_redirects(source) == lines


def test_a_redirect_leads_to_a_path_of_ours() -> None:
    found = {
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "portal").rglob("*.py"))
        if open_redirects(path.read_text(encoding="utf-8"))
    }

    assert found <= set(COMPUTED)


def test_no_page_takes_an_address_to_go_to() -> None:
    taken = [
        f"{path.relative_to(ROOT)}: {one.group()}"
        for path in sorted((ROOT / "portal").rglob("*.py"))
        for one in re.finditer(
            r"""["'](next|return_to|redirect|goal|url|continue)["']\]?\)?""",
            path.read_text(encoding="utf-8"),
        )
        if "fields" in one.string[max(0, one.start() - 12) : one.start()]
    ]

    assert taken == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("@workflow.signal\ndef grant(self): ...", [2]),
        ('@workflow.update(name="grant")\nasync def grant(self): ...', [2]),
        ("@workflow.query\ndef state(self): ...", [2]),
        ("@workflow.query(dynamic=True)\ndef state(self): ...", [2]),
        ("@answer.validator\ndef look(self): ...", [2]),
        ("@workflow.update(dynamic=True)\nasync def answer(self): ...", []),
    ],
)
def test_the_search_for_typed_handlers_finds_them(source: str, lines: list[int]) -> None:
    assert typed_handlers(source) == lines


def test_workflows_hear_by_dynamic_raw_handlers_alone() -> None:
    found = {
        str(path.relative_to(ROOT)): lines
        for path in modules()
        if (lines := typed_handlers(path.read_text(encoding="utf-8")))
    }

    assert found == {}
