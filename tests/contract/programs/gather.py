import asyncio

async def worker(name, delay, log):
    for n in range(2):
        await asyncio.sleep(delay)
        log.append(f"{name}{n}")
    return name.upper()

async def producer(queue):
    for n in range(3):
        await queue.put(n)
    await queue.put(None)

async def ticks(n):
    for i in range(n):
        yield i
        await asyncio.sleep(0)

async def fails():
    await asyncio.sleep(0)
    raise LookupError("lost")

async def main():
    log = []
    print(await asyncio.gather(worker("a", 0.01, log), worker("b", 0.06, log)), log)
    queue = asyncio.Queue()
    task = asyncio.create_task(producer(queue))
    while (item := await queue.get()) is not None:
        print("got", item)
    await task
    print([i async for i in ticks(3)], await asyncio.gather(fails(), return_exceptions=True))
    try:
        await asyncio.wait_for(asyncio.sleep(5), 0.01)
    except asyncio.TimeoutError as error:
        print("timeout", repr(error))
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fails())
    except* LookupError as group:
        print(group.exceptions, group)
    return "done"

asyncio.run(main())
