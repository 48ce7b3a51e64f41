import pytest
from sqlalchemy import insert, select

from understudy.errors import InvalidRequest
from understudy.retrieval.filters import Comparison, Compound, parse_filter, to_sql
from understudy.store.db import Store
from understudy.store.keys import project_id
from understudy.store.schema import vector_store_files

FILES = {
    "plain": {"region": "Galicia", "year": 2024, "draft": False, "rate": 1.5},
    "later": {"region": "galicia", "year": 2025, "draft": True, "rate": 10},
    "text": {"region": "Ávila", "year": "2024", "draft": "true", "rate": "1.5"},
    "odd": {'a "quoted" $.key': "x", "a.b": 1, "nul": None},
    "empty": {},
}
ALL = set(FILES)


def compare(operator: str, key: str, value: object) -> dict[str, object]:
    return {"type": operator, "key": key, "value": value}


CASES = [
    (compare("eq", "region", "Galicia"), {"plain"}),
    (compare("ne", "region", "Galicia"), ALL - {"plain"}),
    (compare("eq", "year", 2024), {"plain"}),
    (compare("eq", "year", 2024.0), {"plain"}),
    (compare("eq", "year", "2024"), {"text"}),
    (compare("ne", "year", 2024), ALL - {"plain"}),
    (compare("gt", "year", 2024), {"later"}),
    (compare("gte", "year", 2024), {"plain", "later"}),
    (compare("lt", "rate", 10), {"plain"}),
    (compare("lte", "rate", 10.0), {"plain", "later"}),
    (compare("gt", "rate", 1.4999), {"plain", "later"}),
    (compare("gt", "region", "Z"), {"later", "text"}),
    (compare("lt", "region", "Z"), {"plain"}),
    (compare("eq", "draft", True), {"later"}),
    (compare("eq", "draft", False), {"plain"}),
    (compare("eq", "draft", "true"), {"text"}),
    (compare("eq", "draft", 1), set()),
    (compare("ne", "draft", True), ALL - {"later"}),
    (compare("in", "year", [2024, "2024", 9]), {"plain", "text"}),
    (compare("nin", "year", [2024, 2025]), {"text", "odd", "empty"}),
    (compare("in", "year", []), set()),
    (compare("nin", "year", []), ALL),
    (compare("eq", "absent", "x"), set()),
    (compare("ne", "absent", "x"), ALL),
    (compare("eq", 'a "quoted" $.key', "x"), {"odd"}),
    (compare("eq", "a.b", 1), {"odd"}),
    (compare("eq", "nul", "null"), set()),
    (compare("eq", "region", "' OR 1=1 --"), set()),
    (
        {"type": "and", "filters": [compare("gte", "year", 2024), compare("eq", "draft", False)]},
        {"plain"},
    ),
    (
        {
            "type": "or",
            "filters": [
                compare("eq", "year", "2024"),
                {"type": "and", "filters": [compare("gt", "rate", 2), compare("lt", "rate", 11)]},
            ],
        },
        {"text", "later"},
    ),
]


@pytest.mark.anyio
async def test_every_filter_finds_its_files(store: Store) -> None:
    owner = {"project_id": await project_id(store), "vector_store_id": "vs_1", "created_at": 0}
    rows = [
        {**owner, "file_id": name, "status": "completed", "attributes": given, "chunking": {}}
        for name, given in FILES.items()
    ]
    async with store.write() as connection:
        await connection.execute(insert(vector_store_files), rows)
    columns = vector_store_files.c
    async with store.read() as connection:
        for given, expected in CASES:
            wanted = select(columns.file_id).where(to_sql(parse_filter(given), store.dialect))
            assert set(await connection.scalars(wanted)) == expected, given


def test_a_filter_is_read_as_it_is_written() -> None:
    given = {"type": "and", "filters": [compare("in", "a", ["x", 1]), compare("ne", "b", True)]}
    parts = (Comparison("a", "in", ("x", 1)), Comparison("b", "ne", True))
    assert parse_filter(given) == Compound("and", parts)


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ("eq", "filters"),
        ([], "filters"),
        ({}, "filters.type"),
        ({"type": "like", "key": "a", "value": 1}, "filters.type"),
        ({"type": ["eq"], "key": "a", "value": 1}, "filters.type"),
        ({"type": "eq", "value": 1}, "filters.key"),
        ({"type": "eq", "key": 5, "value": 1}, "filters.key"),
        ({"type": "eq", "key": "a"}, "filters.value"),
        (compare("eq", "a", None), "filters.value"),
        (compare("eq", "a", [1]), "filters.value"),
        (compare("eq", "a", {"x": 1}), "filters.value"),
        (compare("eq", "a", "x\0y"), "filters.value"),
        (compare("eq", "a", "\ud800"), "filters.value"),
        (compare("eq", "a\0", 1), "filters.key"),
        (compare("eq", "a", float("nan")), "filters.value"),
        (compare("eq", "a", float("inf")), "filters.value"),
        (compare("eq", "a", 10**400), "filters.value"),
        (compare("gt", "a", True), "filters.value"),
        (compare("in", "a", "x"), "filters.value"),
        (compare("in", "a", ["x", None]), "filters.value[1]"),
        ({"type": "and"}, "filters.filters"),
        ({"type": "and", "filters": []}, "filters.filters"),
        ({"type": "or", "filters": {}}, "filters.filters"),
        (
            {"type": "and", "filters": [compare("eq", "a", 1), {"type": "eq", "value": 1}]},
            "filters.filters[1].key",
        ),
        (
            {"type": "or", "filters": [{"type": "and", "filters": [5]}]},
            "filters.filters[0].filters[0]",
        ),
        (compare("in", "a", list(range(300))), "filters"),
    ],
)
def test_a_wrong_filter_is_refused_by_its_path(given: object, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_filter(given)
    assert caught.value.param == param


def test_a_bottomless_filter_is_refused() -> None:
    given = compare("eq", "a", 1)
    for _ in range(5_000):
        given = {"type": "and", "filters": [given]}
    with pytest.raises(InvalidRequest):
        parse_filter(given)
