"""An Excel report: titles above the header, zip codes as text, dates, totals per month.

python excel_report.py [FILE.xlsx]; without a file it makes one.
"""

import datetime
import sys

import velaria


def make_report(path: str) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Orders"
    sheet.append(["Orders of the first quarter"])
    sheet.append([])
    sheet.append(["day", "zip", "amount"])
    for n in range(90):
        day = datetime.date(2024, 1, 1) + datetime.timedelta(days=n)
        sheet.append([day, f"0{2100 + n % 3}", n * 1.25])
    book.save(path)


def main() -> None:
    path = sys.argv[1] if len(sys.argv) > 1 else "orders.xlsx"
    if len(sys.argv) == 1:
        make_report(path)
    with velaria.Session() as session:
        orders = session.read_excel(path, sheet_name="Orders", header_row="auto")
        print(orders.schema)
        session.create_temp_view("orders", orders)
        session.sql(
            """
            SELECT extract(month FROM day) AS month, count(*) AS orders, sum(amount) AS amount
            FROM orders WHERE zip = '02101' GROUP BY 1 ORDER BY 1
            """
        ).show()


if __name__ == "__main__":
    main()
