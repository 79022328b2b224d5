#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A shop behind WSGI, with a front for its pages, a cache that gets full, and something that is never forgotten.

usage: shop.py SECONDS
"""
import http.client
import json
import socketserver
import sys
import threading
import time
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server


class Cache:
    """The pages of the last thousand articles."""

    def __init__(self, size):
        self.pages, self.size = {}, size

    def page(self, article):
        if article not in self.pages:
            if len(self.pages) == self.size:
                self.pages.pop(next(iter(self.pages)))
            self.pages[article] = render(article)
        return self.pages[article]


class Audit:
    """Who looked at what, for a report that nobody wrote."""

    def __init__(self):
        self.seen = []

    def note(self, request):
        self.seen.append(json.dumps(request) * 40)


def render(article):
    rows = "".join(f"<li>{article} in size {size}</li>" for size in range(60))
    return f"<h1>Article {article}</h1><ul>{rows}</ul>"


def load_orders(count):
    return [{"number": number, "note": "x" * 600} for number in range(count)]


cache, audit = Cache(1000), Audit()


def application(environ, start_response):
    path = environ["PATH_INFO"]
    audit.note({"path": path, "agent": environ.get("HTTP_USER_AGENT", ""), "at": time.time()})
    if path.startswith("/article/"):
        body = cache.page(int(path[9:]))
    elif path == "/orders":
        body = json.dumps(load_orders(50))
    else:
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"no such page\n"]
    start_response("200 OK", [("Content-Type", "text/html")])
    return [body.encode()]


class Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


def customers(port, until):
    number = 0
    while time.monotonic() < until:
        number += 1
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("GET", "/orders" if number % 7 == 0 else f"/article/{number * 37 % 4000}")
        connection.getresponse().read()
        connection.close()


def main():
    until = time.monotonic() + float(sys.argv[1])
    server = make_server("127.0.0.1", 0, application, Server, Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    crowd = [threading.Thread(target=customers, args=(server.server_port, until)) for _ in range(4)]
    for customer in crowd:
        customer.start()
    for customer in crowd:
        customer.join()
    print(f"{len(audit.seen)} requests")


if __name__ == "__main__":
    main()
