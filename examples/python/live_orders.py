"""Totals per city and minute, while the orders still come in.

python examples/python/live_orders.py
"""

import datetime
import threading

import velaria

START = datetime.datetime(2024, 1, 1, 12)
CITIES = ("Oslo", "Lima", "Pune")


def push_orders(source):
    with source:
        for batch in range(6):
            orders = [
                {
                    "at": START + datetime.timedelta(seconds=20 * batch + i),
                    "city": CITIES[i % 3],
                    "amount": 10 * batch + i,
                }
                for i in range(9)
            ]
            source.push_rows(orders)


def main():
    with velaria.Session() as session:
        source = session.create_realtime_stream_source(
            {"at": "timestamp", "city": "utf8", "amount": "int64"}
        )
        sink = session.create_realtime_stream_sink()
        session.create_temp_view("orders", session.read_realtime_stream_source(source))
        session.register_stream_sink("totals", sink)
        query = session.start_stream_sql(
            "INSERT INTO totals "
            "SELECT minute, city, sum(amount) AS total FROM orders "
            "WINDOW BY at EVERY 60000 AS minute GROUP BY minute, city"
        )
        producer = threading.Thread(target=push_orders, args=(source,))
        producer.start()
        totals = {}
        # Update mode: a later row of the same minute and city replaces the earlier one.
        while (rows := sink.poll_rows()) is not None:
            for row in rows:
                totals[row["minute"], row["city"]] = row["total"]
        producer.join()
        batches = query.await_termination()
    for (minute, city), total in sorted(totals.items()):
        print(f"{minute:%H:%M}  {city:<5} {total:>5}")
    print(f"{batches} batches")


if __name__ == "__main__":
    main()
