"""Tasks of a Bitable table, counted by owner in stream SQL.

    FEISHU_APP_ID=... FEISHU_APP_SECRET=... python tasks_by_owner.py APP_TOKEN TABLE_ID [FIELD]

BITABLE_BASE_URL may name another address, such as "lark".
"""

import os
import sys

import velaria


def main() -> None:
    app_token, table_id = sys.argv[1:3]
    field = sys.argv[3] if len(sys.argv) > 3 else "Owner"
    client = velaria.BitableClient(
        os.environ["FEISHU_APP_ID"],
        os.environ["FEISHU_APP_SECRET"],
        base_url=os.environ.get("BITABLE_BASE_URL", "feishu"),
    )
    with velaria.Session() as session:
        stream = velaria.create_stream_from_bitable(
            session, client, app_token, table_id, field_names=[field], explode=field
        )
        session.create_temp_view("tasks", stream)
        sink = velaria.MemorySink()
        session.register_stream_sink("by_owner", sink)
        query = session.start_stream_sql(
            f'INSERT INTO by_owner SELECT "{field}" AS owner, count(*) AS tasks FROM tasks '
            "GROUP BY 1"
        )
        batches = query.await_termination()
        # Update mode: the last row of an owner is the count.
        counts = {row["owner"]: row["tasks"] for row in sink.to_rows()}
    for owner, tasks in sorted(counts.items(), key=lambda item: -item[1]):
        print(f"{tasks:>6}  {owner or '(nobody)'}")
    print(f"{batches} pages")


if __name__ == "__main__":
    main()
