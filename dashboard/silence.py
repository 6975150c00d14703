"""Whether MongoDB answers. Asked by threads of its own: all others may be waiting for it."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pymongo
from pymongo.errors import PyMongoError

from ecommerce.mongo import MongoDatabase

ANSWER_SECONDS = 3
"""A server that is stopped keeps its sockets open, so that a question without a limit waits for half a minute."""

SILENT = "MongoDB does not answer."

_threads = ThreadPoolExecutor(4, thread_name_prefix="does-mongodb-answer")


async def answers(database: MongoDatabase) -> bool:
    """Whether the server answers within ANSWER_SECONDS."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _ping, database)


def _ping(database: MongoDatabase) -> bool:
    try:
        with pymongo.timeout(ANSWER_SECONDS):
            database.command("ping")
    except PyMongoError:
        return False
    return True
