"""The dashboard for a long time: `python -m benchmarks.soak_dashboard [--minutes 20] [--sessions 50]`.

Sessions come and go all the time while orders arrive; prints the memory of the process each minute, and at the end how
much it grew after the first quarter, in which caches fill.
"""

import argparse
import asyncio
import random
import time

import psutil

from benchmarks.bench_dashboard import TICK_SECONDS, Shop, open_viewers, served_dashboard
from benchmarks.common import Result, a_mongod, print_table

TURNOVER = 0.1
"""Share of the sessions that leave, and are replaced, in each tick."""


async def _soak(shop: Shop, address: str, server: psutil.Process, minutes: float, sessions: int) -> list[Result]:
    viewers = await open_viewers(address, sessions)
    opened, rng = sessions, random.Random(1)
    begin = time.monotonic()
    memory: list[tuple[float, float]] = []
    delays: list[float] = []
    while (elapsed := time.monotonic() - begin) < 60 * minutes:
        await asyncio.to_thread(shop.sell)
        leaving = rng.sample(viewers, max(1, round(TURNOVER * sessions)))
        for viewer in leaving:
            delays += viewer.delays
            viewers.remove(viewer)
            await viewer.close()
        viewers += await open_viewers(address, len(leaving))
        opened += len(leaving)
        memory.append((elapsed, server.memory_info().rss / 1e6))
        if len(memory) % 12 == 0:
            print(f"{elapsed / 60:5.1f} min  {memory[-1][1]:6.0f} MB  {opened} sessions so far", flush=True)
        await asyncio.sleep(TICK_SECONDS)
    for viewer in viewers:
        await viewer.close()
    settled = [size for elapsed, size in memory if elapsed >= 15 * minutes]
    delays.sort()
    return [
        Result("sessions opened", opened, "sessions"),
        Result("memory after a quarter of the time", settled[0], "MB"),
        Result("memory at the end", settled[-1], "MB"),
        Result("growth per session opened since", 1000 * (settled[-1] - settled[0]) / (0.75 * opened), "kB", "flat"),
        Result("tick to update, p95", delays[int(0.95 * len(delays))], "s"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description="Hold changing sessions open for a long time.")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--sessions", type=int, default=50, help="open at the same time")
    arguments = parser.parse_args()
    with a_mongod() as database, served_dashboard(database) as (address, server):
        results = asyncio.run(_soak(Shop(database), address, server, arguments.minutes, arguments.sessions))
    print_table("dashboard, soak", results)


if __name__ == "__main__":
    main()
