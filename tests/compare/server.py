# SPDX-License-Identifier: MIT
"""Serves a port until it is ended; says when it is ready. usage: server.py PORT PIDS"""
import os
import socket
import sys

with open(sys.argv[2], "a", encoding="utf-8") as file:
    print(os.getpid(), file=file)
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server:
    print("ready on", sys.argv[1], file=sys.stderr, flush=True)
    while True:
        server.accept()[0].close()
