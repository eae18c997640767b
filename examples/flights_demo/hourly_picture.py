"""The picture of the demo: hourly departures per airport, and when delays build up."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")  # no screen is needed

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
import pyarrow as pa

AIRPORTS = {"EWR": "#1b6ca8", "JFK": "#d1495b", "LGA": "#4f9d69"}
SUMMER_TIME = (datetime(2013, 3, 10, 7), datetime(2013, 11, 3, 6))  # of New York, in UTC


def new_york(utc: datetime) -> datetime:
    """New York's clock in 2013; the data's clock is UTC."""
    summer = SUMMER_TIME[0] <= utc < SUMMER_TIME[1]
    return utc - timedelta(hours=4 if summer else 5)


def draw_hourly_windows(hourly: pa.Table, path: Path) -> None:
    """Draws hourly windows (window_start, origin, departures, mean_delay) to `path`."""
    start = np.array(
        [
            t.astimezone(timezone.utc).replace(tzinfo=None)
            for t in hourly["window_start"].to_pylist()
        ]
    )
    origin = np.array(hourly["origin"].to_pylist())
    departures = np.array(hourly["departures"].to_pylist())
    delay = np.array(hourly["mean_delay"].to_pylist(), dtype=float)

    plt.rcParams.update({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False})
    figure, (week_axes, day_axes) = plt.subplots(2, 1, figsize=(11, 7), constrained_layout=True)

    first, last = datetime(2013, 7, 8, 4), datetime(2013, 7, 15, 4)
    for airport, color in AIRPORTS.items():
        shown = (origin == airport) & (start >= first) & (start < last)
        hours = [first + timedelta(hours=h) for h in range(7 * 24)]
        count = dict(zip(start[shown], departures[shown]))
        week_axes.step(
            [new_york(h) for h in hours],
            [count.get(h, 0) for h in hours],
            where="post",
            color=color,
            label=airport,
            linewidth=1.4,
        )
    week_axes.set_title(
        "Departures per hour, 8 to 14 July 2013 (hourly windows of the stream)", loc="left"
    )
    week_axes.set_ylabel("departures")
    week_axes.xaxis.set_major_locator(mdates.DayLocator())
    week_axes.xaxis.set_major_formatter(mdates.DateFormatter("%a %d"))
    week_axes.set_ylim(bottom=0)
    week_axes.legend(frameon=False, ncols=3, loc="upper right", bbox_to_anchor=(1.0, 1.12))

    hour_of_day = np.array([new_york(s).hour for s in start])
    for airport, color in AIRPORTS.items():
        mean = []
        for hour in range(5, 24):
            shown = (origin == airport) & (hour_of_day == hour)
            total = departures[shown].sum()
            mean.append((delay[shown] * departures[shown]).sum() / total if total else np.nan)
        day_axes.plot(range(5, 24), mean, color=color, label=airport, marker="o", markersize=3)
    day_axes.set_title("Mean departure delay by hour of the day, all of 2013", loc="left")
    day_axes.set_ylabel("minutes")
    day_axes.set_xlabel("hour of the real departure, New York time")
    day_axes.set_xticks(range(5, 24))
    day_axes.grid(axis="y", alpha=0.25)
    figure.savefig(path, dpi=120)
    plt.close(figure)
