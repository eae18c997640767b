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
        ([[1, 2, 3]], "numbers"),
        (np.ones((1, 3)), "dimensions"),
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
        assert values["candidate_rows"] == "5" or values["candidate_rows"] == "4"
        assert values["backend"]
        assert values["filter_pushdown"] == "false"
        assert values["acceleration"] == "flat-buffer+simd-topk"
