"""Waiting for the kernel in a coroutine."""

from __future__ import annotations

from collections.abc import Callable

_LONGEST_WAIT_S = 0.01


async def until(done: Callable[[], bool]) -> None:
    """Asks ``done`` turn by turn of the event loop until it says so, first after one turn.

    No helper thread: any number of waiting tasks leave the loop's threads to others. What ``done``
    does when it succeeds is done in the turn that ends the wait, so that a task that is cancelled
    while it waits has not done it.
    """
    import asyncio

    wait_s = 0.0
    while True:
        await asyncio.sleep(wait_s)
        if done():
            return
        wait_s = min(2 * wait_s + 0.0005, _LONGEST_WAIT_S)
