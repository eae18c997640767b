"""Vector search against NumPy in float64."""

import math

import numpy as np
import pyarrow as pa
import pytest
import velaria


def vectors(array, null_rows=()):
    dimension = array.shape[1]
    flat = pa.array(array.astype(np.float32).reshape(-1))
    mask = None
    if len(null_rows):
        mask = pa.array([i in set(null_rows) for i in range(len(array))])
    return pa.FixedSizeListArray.from_arrays(flat, dimension, mask=mask)


def scores(array, query, metric):
    array = array.astype(np.float32).astype(np.float64)
    query = np.asarray(query, np.float32).astype(np.float64)
    if metric == "dot":
        return array @ query
    if metric == "l2":
        return np.sqrt(((array - query) ** 2).sum(axis=1))
    norms = np.linalg.norm(array, axis=1) * np.linalg.norm(query)
    safe = np.where(norms == 0, 1, norms)
    return np.where(norms == 0, 1, 1 - (array @ query) / safe)


def check(rows, expected, metric, left_out=(), top_k=10):
    kept = [i for i in range(len(expected)) if i not in set(left_out)]
    order = sorted(kept, key=lambda i: (-expected[i] if metric == "dot" else expected[i], i))
    order = order[:top_k]
    assert len(rows) == len(order)
    scale = max(1.0, max((abs(expected[i]) for i in order), default=1.0))
    for row, i in zip(rows, order):
        assert row["score"] == pytest.approx(expected[i], abs=1e-5 * scale)
        # float32 may not tell two scores apart; then another row may stand here.
        assert expected[row["row_id"]] == pytest.approx(expected[i], abs=1e-5 * scale)
    assert len({row["row_id"] for row in rows}) == len(rows)


@pytest.mark.parametrize("metric", ["cosine", "dot", "l2"])
@pytest.mark.parametrize("dimension", [1, 3, 16, 65])
def test_against_numpy(session, rng, metric, dimension):
    random = np.random.default_rng(rng.randrange(2**32))
    array = random.normal(size=(500, dimension)).astype(np.float32)
    array[7] = 0
    query = random.normal(size=dimension).astype(np.float32)
    nulls = [3, 250]
    array[11, 0] = np.nan
    table = pa.table({"v": vectors(array, nulls)})
    session.create_temp_view("t", session.create_dataframe_from_arrow(table))
    frame = session.vector_search("t", "v", query, top_k=20, metric=metric)
    assert frame.schema == [("row_id", "int64"), ("score", "float64")]
    clean = np.nan_to_num(array)
    check(frame.to_rows(), scores(clean, query, metric), metric, [*nulls, 11], 20)


@pytest.mark.parametrize("metric", ["cosine", "dot", "l2"])
def test_ties_come_by_row(session, metric):
    array = np.tile(np.array([[1, 2], [2, 1]], np.float32), (20, 1))
    frame = session.create_dataframe_from_arrow(pa.table({"v": vectors(array)}))
    session.create_temp_view("t", frame)
    rows = session.vector_search("t", "v", [1, 2], top_k=25, metric=metric).to_rows()
    ids = [row["row_id"] for row in rows]
    assert ids == [*range(0, 40, 2), *range(1, 10, 2)]


def test_any_spelling_of_the_query(session):
    frame = session.create_dataframe_from_arrow(
        pa.table({"v": vectors(np.eye(3, dtype=np.float32))})
    )
    session.create_temp_view("t", frame)
    spellings = [
        [0, 1, 0],
        (0.0, 1.0, 0.0),
        np.array([0, 1, 0]),
        np.array([0, 1, 0], np.float16),
        pa.array([0.0, 1.0, 0.0]),
        pa.array([0.0, 1.0, 0.0], pa.float32()),
        iter([0, 1, 0]),
    ]
    for query in spellings:
        first = session.vector_search("t", "v", query, top_k=1).to_rows()[0]
        assert first == {"row_id": 1, "score": 0.0}


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ([1, 2], "2"),
        ([[1, 2, 3], [1, 2]], "query 1 has 2 numbers"),
        ([[1, 2, 3], 4], "query 1 is an int"),
        ([[], []], "0 dimensions"),
        (np.ones((1, 3, 2)), "dimensions"),
        (np.ones((2, 2)), "2"),
        (np.array([1, 2, 1e300]), "float32"),
        (np.array([1, np.nan, 1]), "nan"),
        (np.array(["a", "b", "c"]), "numbers"),
        (b"123", "bytes"),
        ("123", "str"),
        (5, "int"),
        ([1, None, 3], "numbers"),
        ([1, "2", 3], "numbers"),
        ([1, 1e300, 3], "float32"),
        ([], "0"),
    ],
    ids=str,
)
def test_bad_queries(session, query, text):
    frame = session.create_dataframe_from_arrow(
        pa.table({"v": vectors(np.eye(3, dtype=np.float32)), "n": [1, 2, 3]})
    )
    session.create_temp_view("t", frame)
    with pytest.raises(velaria.Error, match=text):
        session.vector_search("t", "v", query).to_rows()
    assert session.vector_search("t", "v", [1, 0, 0]).count() == 3


def test_wrong_dimension_names_both(session):
    frame = session.create_dataframe_from_arrow(
        pa.table({"v": vectors(np.ones((2, 7), np.float32)), "n": [1, 2]})
    )
    session.create_temp_view("t", frame)
    with pytest.raises(velaria.Error) as caught:
        session.vector_search("t", "v", [1.0] * 5)
    assert "7" in str(caught.value)
    assert "5" in str(caught.value)
    texts = session.create_dataframe_from_arrow({"texts": ["[1 2 3]"]})
    session.create_temp_view("texts", texts)
    session.create_temp_view("query", texts.filter("texts IS NOT NULL"))
    for table in ("texts", "query"):
        with pytest.raises(
            velaria.TypeMismatchError, match=r"'texts', searched with a query of dimension 2: .* 3"
        ):
            session.vector_search(table, "texts", [1.0, 2.0]).to_rows()
    with pytest.raises(velaria.CatalogError, match="'t'"):
        session.vector_search("tt", "v", [1.0] * 7)
    with pytest.raises(velaria.SqlSemanticError):
        session.vector_search("t", "w", [1.0] * 7)
    with pytest.raises(velaria.TypeMismatchError, match="n"):
        session.vector_search("t", "n", [1.0] * 7)
    for top_k in (0, -1):
        with pytest.raises(velaria.InvalidArgumentError, match="top_k"):
            session.vector_search("t", "v", [1.0] * 7, top_k=top_k)
    with pytest.raises(velaria.InvalidArgumentError, match="cosine"):
        session.vector_search("t", "v", [1.0] * 7, metric="cosin")


def test_nothing_to_find(session):
    empty = pa.table({"v": pa.array([], pa.list_(pa.float32(), 2))})
    nulls = pa.table({"v": pa.array([None, None], pa.list_(pa.float32(), 2))})
    for table in (empty, nulls):
        session.create_temp_view("t", session.create_dataframe_from_arrow(table))
        assert session.vector_search("t", "v", [1, 2]).to_rows() == []


def test_slices_and_batches(session, rng):
    random = np.random.default_rng(rng.randrange(2**32))
    array = random.normal(size=(300, 8)).astype(np.float32)
    whole = pa.table({"v": vectors(array)})
    part = pa.concat_tables([whole.slice(10, 50), whole.slice(100, 90), whole.slice(200, 0)])
    session.create_temp_view("t", session.create_dataframe_from_arrow(part))
    rows = session.vector_search("t", "v", array[120], top_k=9, metric="l2").to_rows()
    kept = np.concatenate([array[10:60], array[100:190]])
    check(rows, scores(kept, array[120], "l2"), "l2", top_k=9)
    assert rows[0]["row_id"] == 70


def test_text_vectors_from_csv(session, tmp_path):
    path = tmp_path / "v.csv"
    path.write_text('v\n[1 2 3]\n"[3,2,1]"\n[0 0 0]\n')
    session.create_temp_view("t", session.read_csv(path))
    rows = session.vector_search("t", "v", [1, 2, 3], metric="l2").to_rows()
    assert [row["row_id"] for row in rows] == [0, 1, 2]
    assert rows[2]["score"] == pytest.approx(math.sqrt(14))


def test_explain(session):
    frame = session.create_dataframe_from_arrow(
        pa.table({"v": vectors(np.ones((5, 4), np.float32), [1])})
    )
    session.create_temp_view("t", frame)
    for metric in ("cosine", "dot", "l2"):
        lines = session.explain_vector_search("t", "v", [1] * 4, 3, metric).splitlines()
        values = dict(line.split("=", 1) for line in lines)
        assert values["mode"] == "exact-scan"
        assert values["metric"] == metric
        assert values["dimension"] == "4"
        assert values["top_k"] == "3"
        assert values["candidate_rows"] == "4"  # all but the NULL
        assert values["backend"]
        assert values["filter_pushdown"] == "false"
        assert values["acceleration"] == "flat-buffer+simd-topk"


def make(session, array, **columns):
    table = pa.table({"v": vectors(array), **columns})
    session.create_temp_view("t", session.create_dataframe_from_arrow(table))


@pytest.mark.parametrize("metric", ["cosine", "dot", "l2"])
def test_many_queries_at_once(session, rng, metric):
    random = np.random.default_rng(rng.randrange(2**32))
    array = random.normal(size=(3000, 33)).astype(np.float32)
    make(session, array)
    queries = random.normal(size=(40, 33)).astype(np.float32)
    spellings = [
        queries,
        np.asfortranarray(queries),
        queries.astype(np.float64),
        queries.tolist(),
        list(queries),
        vectors(queries),
        np.repeat(queries, 2, axis=1)[:, ::2],
    ]
    one_by_one = []
    for place, query in enumerate(queries):
        found = session.vector_search("t", "v", query, 7, metric).to_rows()
        check(found, scores(array, query, metric), metric, top_k=7)
        one_by_one += [{"query_id": place, **row} for row in found]
    for spelling in spellings:
        frame = session.vector_search("t", "v", spelling, 7, metric)
        assert frame.schema == [("query_id", "int64"), ("row_id", "int64"), ("score", "float64")]
        assert frame.to_rows() == one_by_one
    assert session.vector_search("t", "v", queries[:0], 7, metric).to_rows() == []


def test_where_columns_and_threshold(session, rng):
    random = np.random.default_rng(rng.randrange(2**32))
    array = random.normal(size=(2000, 16)).astype(np.float32)
    names = [f"name {i % 7}" for i in range(2000)]
    make(session, array, name=pa.array(names), i=pa.array(range(2000)))
    query = array[5]
    expected = scores(array, query, "l2")
    out = [i for i in range(2000) if i % 7 != 3]
    rows = session.vector_search(
        "t", "v", query, 20, "l2", where="name = 'name 3'", columns=["name", "i"]
    ).to_rows()
    check(rows, expected, "l2", out, 20)
    assert all(row["name"] == "name 3" and row["i"] == row["row_id"] for row in rows)
    limit = rows[4]["score"]
    near = session.vector_search(
        "t", "v", query, 20, "l2", where="name = 'name 3'", score_threshold=limit
    )
    assert near.count() == 5
    few = session.vector_search("t", "v", query, 20, where="i IN (4, 900, 901)")
    assert sorted(row["row_id"] for row in few.to_rows()) == [4, 900, 901]
    text = session.explain_vector_search("t", "v", query, 20, where="i IN (4, 900, 901)")
    assert "candidate_rows=3" in text.splitlines()
    with pytest.raises(velaria.InvalidArgumentError, match="columns"):
        session.vector_search("t", "v", query, columns="name")
    with pytest.raises(velaria.SqlSemanticError, match="nobody"):
        session.vector_search("t", "v", query, where="nobody = 1")


@pytest.mark.parametrize("kind", [pa.float16(), pa.float64()])
def test_other_float_columns(session, rng, kind):
    random = np.random.default_rng(rng.randrange(2**32))
    array = random.normal(size=(700, 300)).astype(np.float16).astype(np.float32)
    flat = pa.array(array.reshape(-1).astype(kind.to_pandas_dtype()), kind)
    column = pa.FixedSizeListArray.from_arrays(flat, 300)
    session.create_temp_view("t", session.create_dataframe_from_arrow(pa.table({"v": column})))
    make_of = session.create_dataframe_from_arrow(pa.table({"v": vectors(array)}))
    session.create_temp_view("same", make_of)
    queries = random.normal(size=(9, 300)).astype(np.float32)
    for metric in ("cosine", "dot", "l2"):
        for query in (queries, queries[0]):
            wanted = session.vector_search("same", "v", query, 12, metric).to_rows()
            assert session.vector_search("t", "v", query, 12, metric).to_rows() == wanted


def test_a_float64_beyond_float32_is_named(session):
    column = pa.array([[1.0, 2.0], None, [1.0, -1e300]], pa.list_(pa.float64(), 2))
    session.create_temp_view("t", session.create_dataframe_from_arrow(pa.table({"v": column})))
    with pytest.raises(velaria.TypeMismatchError, match=r"row 2.*element 1.*float32"):
        session.vector_search("t", "v", [1, 2]).to_rows()
    near = pa.array([[1.0, 0.1], [math.inf, 1e-300]], pa.list_(pa.float64(), 2))
    session.create_temp_view("t", session.create_dataframe_from_arrow(pa.table({"v": near})))
    assert [row["row_id"] for row in session.vector_search("t", "v", [1, 2]).to_rows()] == [0]


@pytest.mark.parametrize("threads", [1, 2])
def test_every_backend_gives_the_same(rng, threads, monkeypatch):
    random = np.random.default_rng(rng.randrange(2**32))
    array = random.normal(size=(20_000, 40)).astype(np.float32)
    queries = random.normal(size=(20, 40)).astype(np.float32)
    answers = {}
    for backend in ("portable", "avx2", "avx512", "amx", "neon"):
        monkeypatch.setenv("VELARIA_SIMD_BACKEND", backend)
        with velaria.Session(threads=threads) as session:
            make(session, array)
            try:
                explained = session.explain_vector_search("t", "v", queries)
            except velaria.InvalidArgumentError:
                continue  # not on this machine
            assert f"backend={backend}" in explained.splitlines()
            answers[backend] = [
                session.vector_search("t", "v", query, 25, metric).to_rows()
                for metric in ("cosine", "dot", "l2")
                for query in (queries, queries[3])
            ]
    assert "portable" in answers
    for backend, answer in answers.items():
        assert answer == answers["portable"], backend


def test_one_query_reads_arrow_where_it_lies(session):
    # 200 MB of vectors: a copy would show.
    array = np.ones((400_000, 128), np.float32)
    make(session, array)
    resident = resident_bytes()
    session.vector_search("t", "v", array[0], metric="l2").to_rows()
    session.vector_search("t", "v", array[:4], metric="cosine").to_rows()
    assert resident_bytes() - resident < array.nbytes // 4


def resident_bytes():
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    raise SystemExit(pytest.main([__file__]))
