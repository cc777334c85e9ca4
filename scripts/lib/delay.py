"""A relay in front of a store that lets every answer wait: as if the store were farther away, or busier.

    delay.py --listen HOST:PORT|PATH --to HOST:PORT|PATH --ms 2 [--exponential]

The first bytes of an answer wait, what follows of it joins them or goes through at once; requests never wait. Serves up
to 500 connections until SIGTERM.
"""

import argparse
import asyncio
import random
import selectors
import signal
import sys
from pathlib import Path


class Side(asyncio.Protocol):
    """One end of a relayed connection; `other` is the opposite one."""

    def __init__(self, other=None):
        self.other, self.transport = other, None

    def connection_made(self, transport):
        self.transport = transport

    def connection_lost(self, _error):
        self.other.close()

    def pause_writing(self):
        self.other.transport.pause_reading()

    def resume_writing(self):
        self.other.transport.resume_reading()

    def close(self):
        if self.transport:
            self.transport.close()


class Store(Side):
    """The end towards the store: its answers wait."""

    def __init__(self, client, delay):
        super().__init__(client)
        self.delay, self.asked, self.waiting = delay, False, None

    def data_received(self, data):
        if self.waiting is not None:
            self.waiting.append(data)
        elif self.asked:
            self.asked, self.waiting = False, [data]
            asyncio.get_running_loop().call_later(self.delay(), self.release)
        else:
            self.other.transport.write(data)

    def release(self):
        data, self.waiting = b"".join(self.waiting), None
        self.other.transport.write(data)
        if self.transport.is_closing():
            self.other.close()

    def connection_lost(self, error):
        if self.waiting is None:
            super().connection_lost(error)


class Client(Side):
    """The end towards who asks: what it says before the store is reached is kept for then."""

    def __init__(self, to, delay):
        super().__init__(Store(self, delay))
        self.to, self.early, self.reaching = to, [], None

    def connection_made(self, transport):
        super().connection_made(transport)
        self.reaching = asyncio.create_task(self.reach())

    async def reach(self):
        loop = asyncio.get_running_loop()
        try:
            if isinstance(self.to, str):
                await loop.create_unix_connection(lambda: self.other, self.to)
            else:
                await loop.create_connection(lambda: self.other, *self.to)
        except OSError:
            self.close()
            return
        if self.transport.is_closing():
            self.other.close()
        elif self.early:
            self.data_received(b"".join(self.early))

    def data_received(self, data):
        if self.other.transport is None:
            self.early.append(data)
            return
        self.other.asked = True
        self.other.transport.write(data)


async def relay(listen, to, delay):
    loop = asyncio.get_running_loop()
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    make = lambda: Client(to, delay)  # noqa: E731
    if isinstance(listen, str):
        await loop.create_unix_server(make, listen)
    else:
        await loop.create_server(make, *listen)
    await ending.wait()


def address(text):
    """(host, port), or the path of a Unix socket."""
    if text.startswith("/"):
        return text
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def main(argv):
    parser = argparse.ArgumentParser(prog="delay.py", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listen", type=address, required=True)
    parser.add_argument("--to", type=address, required=True)
    parser.add_argument("--ms", type=float, required=True, help="how long every answer waits")
    parser.add_argument("--exponential", action="store_true", help="as long on average, drawn anew for each answer")
    options = parser.parse_args(argv)
    mean = options.ms / 1000
    delay = (lambda: random.expovariate(1 / mean)) if options.exponential and mean else (lambda: mean)
    # select() waits to the microsecond; epoll_wait() rounds up to the millisecond.
    make_loop = lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())  # noqa: E731
    try:
        with asyncio.Runner(loop_factory=make_loop) as runner:
            runner.run(relay(options.listen, options.to, delay))
    except OSError as error:
        print(f"delay.py: {error}", file=sys.stderr)
        return 1
    finally:
        if isinstance(options.listen, str):
            Path(options.listen).unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
