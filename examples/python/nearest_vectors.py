"""Exact nearest neighbours over an Arrow column, which is scanned where it lies.

python examples/python/nearest_vectors.py
"""

import math

import pyarrow as pa
import velaria


def main():
    # Points on a circle, one a degree.
    circle = [[math.cos(math.radians(d)), math.sin(math.radians(d))] for d in range(360)]
    table = pa.table(
        {"degree": range(360), "position": pa.array(circle, pa.list_(pa.float32(), 2))}
    )
    with velaria.Session() as session:
        session.create_temp_view("points", session.create_dataframe_from_arrow(table))
        query = [math.cos(math.radians(90)), math.sin(math.radians(90))]
        nearest = session.vector_search("points", "position", query, top_k=3, metric="l2")
        nearest.show()
        print(session.explain_vector_search("points", "position", query, top_k=3, metric="l2"))


if __name__ == "__main__":
    main()
