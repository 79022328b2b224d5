#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What `tarn export` promises, one fact a call.

usage: export.py TARN LIBRARY FACT
"""
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

from live import COMMAND, HERE, LIBRARY, MIB, ROOT, Worker, begin, forged_records, main, processor_seconds, refused, skip, succeed, wait_for

DASHBOARD = ROOT / "docs/share/grafana/tarn.json"
OPEN = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


class Exporter:
    def __init__(self, *words):
        self.process = begin(COMMAND, "export", "--port", "0", *HERE, *words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        self.host, port = re.fullmatch(r"tarn: http://(.+):(\d+)/metrics\n", line).groups()
        self.port = int(port)

    def ask(self, path="/metrics", method="GET", body=None, **headers):
        connection = http.client.HTTPConnection(self.host.strip("[]"), self.port, timeout=10)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer, text

    def metrics(self, **headers):
        answer, text = self.ask(**headers)
        assert answer.status == 200
        return text

    def connect(self):
        return socket.create_connection((self.host, self.port), timeout=20)

    def say(self, sent):
        """What comes back, until the server closes."""
        with self.connect() as connection:
            connection.sendall(sent)
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
        return answer


def values(text):
    """By name and labels."""
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, labels, value = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line).groups()
            key = (name, *re.findall(r'\w+="(?:[^"\\]|\\.)*"', labels or ""))
            assert key not in found, f"twice: {key}"
            found[key] = float(value)
    return found


def families(text):
    return dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))


def help_begins_with_an_example():
    text = succeed("export", "--help")
    assert text.startswith("Example:\n  tarn export ") and "Exit status: 0 it was ended" in text, text


def errors_are_one_line_with_a_status():
    taken = Exporter()
    assert "--port 0 takes one" in refused(1, "export", "--port", str(taken.port))
    assert "No such file" in refused(1, "export", "--port", "0", "--dir", "missing")
    assert "nowhere" in refused(1, "export", "--port", "0", "--address", "nowhere.invalid")
    refused(2, "export", "--port", "65536")
    refused(2, "export", "--port", "-1")
    with open("/dev/full", "w", encoding="utf-8") as full:
        assert "No space left" in refused(1, "export", "--port", "0", stdout=full)


def numbers_are_those_of_the_statistics():
    large, small = Worker(), Worker()
    large.hold(40)
    text = Exporter().metrics()
    found = values(text)
    labels = {worker.pid: (f'pid="{worker.pid}"', 'program="python3"') for worker in (large, small)}
    record = json.loads(succeed("report", str(large.pid), "--json"))["statistics"]
    for name, key in (("tarn_resident_bytes", "resident"), ("tarn_live_bytes", "live_bytes"), ("tarn_allocations_total", "allocations"),
                      ("tarn_peak_resident_bytes", "peak_resident")):
        [value] = [value for (family, *its), value in found.items() if family == name and set(labels[large.pid]) <= set(its)]
        assert value == record[key], (name, value, record[key])
    assert found[("tarn_records",)] == 2
    states = [key for key in found if key[0] == "tarn_process_state"]
    assert len(states) == 2 and all('state="running"' in key for key in states), states
    assert not [name for name in families(text) if name.startswith("tarn_class_")]


def families_are_those_of_the_report():
    """Of both formats: the exporter's are the report's, and six of its own."""
    worker = Worker()
    worker.hold(1)
    exporter = Exporter("--classes")
    report = subprocess.run(["/bin/cat", "/dev/null"], check=True, capture_output=True, text=True,
                            env={"LD_PRELOAD": LIBRARY, "TARN_STATS": "prometheus"}).stderr
    own = {"tarn_records", "tarn_records_unreadable", "tarn_process_state", "tarn_start_timestamp_seconds", "tarn_snapshot_timestamp_seconds"}
    served = families(exporter.metrics(Accept=OPEN))
    assert {name: kind for name, kind in served.items() if name not in own} == families(report)
    plain = families(exporter.metrics())
    as_plain = {name + {"counter": "_total", "info": "_info"}.get(kind, ""): kind.replace("info", "gauge") for name, kind in served.items()}
    assert plain == as_plain
    helps = re.compile(r"^# HELP tarn_(?:class_)?\w+ .*$", re.M)
    assert set(helps.findall(report)) <= set(helps.findall(exporter.metrics(Accept=OPEN)))


def openmetrics_is_for_who_asks():
    worker = Worker()
    worker.hold(1)
    exporter = Exporter()
    for accept, kind, end in ((None, "text/plain; version=0.0.4", ""), (OPEN, "application/openmetrics-text; version=1.0.0", "# EOF\n")):
        answer, text = exporter.ask(**({"aCCept": accept} if accept else {}))
        assert answer.getheader("Content-Type").startswith(kind) and text.endswith(end or "\n") and ("# EOF" in text) == bool(end)
        assert ("# UNIT" in text) == bool(end) and ("# TYPE tarn_allocations counter" in text) == bool(end)
    answer, text = exporter.ask(method="HEAD")
    assert answer.status == 200 and text == "" and int(answer.getheader("Content-Length")) > 1000
    answer, text = exporter.ask("/")
    assert answer.status == 200 and "text/html" in answer.getheader("Content-Type") and 'href="/metrics"' in text
    answer, text = exporter.ask("/-/healthy")
    assert answer.status == 200 and text == "tarn export is healthy.\n"
    assert exporter.ask("/metrics?name=x")[0].status == 200


def promtool_finds_no_fault():
    if not shutil.which("promtool"):
        skip("promtool is not installed")
    worker = Worker()
    worker.hold(1)
    text = Exporter("--classes").metrics()
    done = subprocess.run(["promtool", "check", "metrics"], input=text, check=False, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "", done


def who_has_died_has_a_state_and_no_numbers():
    ended, killed, living = Worker(), Worker(), Worker()
    exporter = Exporter()
    exporter.metrics()
    ended.end()
    killed.kill()
    time.sleep(1.1)  # numbers are a second old at most
    found = values(exporter.metrics())
    states = {key[1]: key[-1] for key in found if key[0] == "tarn_process_state"}
    assert states == {f'pid="{killed.pid}"': 'state="killed"', f'pid="{living.pid}"': 'state="running"'}, states
    assert [key[1] for key in found if key[0] == "tarn_live_bytes"] == [f'pid="{living.pid}"']


def a_name_is_escaped():
    folder = pathlib.Path('a "b\\c\nd')
    folder.mkdir()
    os.symlink("/bin/cat", folder / 'q"\\\nz')
    process = begin(str(folder / 'q"\\\nz'), stdin=subprocess.PIPE, env={"LD_PRELOAD": LIBRARY, "TARN_RECORD": "1",
                                                                          "XDG_RUNTIME_DIR": os.getcwd()})
    wait_for(lambda: list(pathlib.Path("tarn").glob("*.tarnrecord")))
    [key] = wait_for(lambda: [key for key in values(Exporter().metrics()) if key[0] == "tarn_process_state"])
    assert key[1:3] == (f'pid="{process.pid}"', 'program="q\\"\\\\?z"'), key


def a_slow_client_hurts_nobody():
    worker = Worker()
    worker.hold(1)
    exporter = Exporter()
    slow = [exporter.connect() for _ in range(50)]
    for number, connection in enumerate(slow):
        connection.sendall(b"GET /metrics HTTP/1.1\r\n"[:number % 24])
    for _ in range(5):
        begun = time.monotonic()
        assert exporter.ask("/-/healthy")[0].status == 200
        assert time.monotonic() - begun < 1
        for connection in slow:
            connection.sendall(b"X")
    more = [exporter.connect() for _ in range(100)]  # the oldest go
    assert exporter.metrics()
    assert len(os.listdir(f"/proc/{exporter.process.pid}/fd")) < 64 + 16
    # One that sends a byte now and then is closed after five seconds all the same.
    begun = time.monotonic()
    try:
        while time.monotonic() - begun < 15:
            more[-1].sendall(b"X")
            time.sleep(0.2)
        raise AssertionError("it may go on for ever")
    except OSError:
        assert 3 < time.monotonic() - begun < 10


def who_does_not_read_hurts_nobody():
    workers = [Worker() for _ in range(4)]
    for worker in workers:
        worker.hold(1)
    exporter = Exporter("--classes")
    deaf = []
    for _ in range(80):
        deaf.append(socket.socket())
        deaf[-1].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        deaf[-1].connect((exporter.host, exporter.port))
        deaf[-1].sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert len(exporter.metrics()) > 50_000
    used = processor_seconds(exporter.process.pid)
    time.sleep(0.5)
    assert processor_seconds(exporter.process.pid) - used < 0.1, "it turns in circles"


def what_is_no_request_is_refused():
    exporter = Exporter()

    def status(sent):
        answer = exporter.say(sent)
        return int(answer.split()[1]) if answer else None

    assert status(b"GET / HTTP/1.1\r\nX: " + b"a" * (10 * MIB)) == 431
    assert status(b"GET /" + b"a" * (1 * MIB) + b" HTTP/1.1\r\n\r\n") == 431
    assert status(b"POST /metrics HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n" + b"a" * 1000000) == 405
    assert status(b"DELETE / HTTP/1.1\r\n\r\n") == 405
    for path in (b"/../../etc/passwd", b"/..%2f..%2fetc/passwd", b"/metrics/../../etc/passwd", b"//etc/passwd", b"/nothing"):
        answer = exporter.say(b"GET " + path + b" HTTP/1.1\r\n\r\n")
        assert answer.split()[1] == b"404" and b"root" not in answer, answer
    for garbage in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n", b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/2.0\r\n\r\n",
                    b"GET  HTTP/1.1\r\n\r\n", b"GET http://x/ HTTP/1.1\r\n\r\n", b"GET /\0 HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\n: x\r\n\r\n",
                    os.urandom(4000) + b"\n\n"):
        assert status(garbage) == 400, garbage
    assert exporter.say(b"GET /-/healthy HTTP/1.0\n\n").startswith(b"HTTP/1.1 200 ")
    assert exporter.ask("/-/healthy")[0].status == 200


def who_asks_by_another_name_is_refused():
    exporter, named, everywhere = Exporter(), Exporter("--host", "Metrics.example", "--host", "other"), Exporter("--address", "0.0.0.0")
    strict = Exporter("--address", "0.0.0.0", "--host", "metrics.example")
    second = Exporter("--address", "127.0.0.2")

    def answer(server, *hosts):
        head, body = server.say(b"GET /-/healthy HTTP/1.1\r\n" + b"".join(b"Host:" + host + b"\r\n" for host in hosts) + b"\r\n").split(b"\r\n\r\n")
        assert body.count(b"\n") == 1 and (b"healthy" in body) == (head.split()[1] == b"200"), body
        return int(head.split()[1])

    port = str(exporter.port).encode()
    for host in (b" localhost", b" LOCALHOST:" + port, b"127.0.0.1:" + port, b" [::1]", b" [::1]:" + port, b"\t127.0.0.1 "):
        assert answer(exporter, host) == 200, host
    foreign = (b" evil.example", b" evil.example:" + port, b" localhost.evil.example", b" evil.example:localhost", b" 127.0.0.1.evil.example", b"",
               b" [evil.example]", b" [::2]:" + port, b"[::1]evil.example", b"[localhost", b"[]", b" user@localhost", b" :" + port, b" metrics.example", b" 10.0.0.1", b" \xff[", b"[")
    for host in foreign:
        assert answer(exporter, host) == answer(second, host) == 403, host
    assert answer(exporter) == 200 and answer(exporter, b" localhost", b" evil.example") == 400
    assert answer(named, b" metrics.example:80") == answer(named, b" other") == answer(named, b" localhost") == 200
    assert answer(named, b" evil.example") == 403
    assert answer(second, b" 127.0.0.2:1") == 200 and answer(exporter, b" 127.0.0.2") == 403
    # Others reach it, by names that it cannot know.
    assert answer(everywhere, b" evil.example") == 200 and answer(strict, b" evil.example") == 403 and answer(strict, b" metrics.example") == 200


def it_ends_at_once():
    for sent in (signal.SIGTERM, signal.SIGINT):
        exporter = Exporter()
        waiting = exporter.connect()
        waiting.sendall(b"GET")
        exporter.ask("/-/healthy")
        begun = time.monotonic()
        exporter.process.send_signal(sent)
        assert exporter.process.wait(10) == 0 and time.monotonic() - begun < 1
        assert exporter.process.stderr.read() == ""
        waiting.close()


def it_listens_where_it_is_told():
    assert Exporter().host == "127.0.0.1"
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        skip("no IPv6 here")
    exporter = Exporter("--address", "::1")
    assert exporter.host == "[::1]" and exporter.ask("/-/healthy")[0].status == 200


def what_is_no_record_is_passed_over():
    worker = Worker()
    worker.hold(1)
    forged_records(pathlib.Path(f"tarn/{worker.pid}.tarnrecord").read_bytes()[:1 << 18], 100)
    exporter = Exporter("--classes")
    found = values(exporter.metrics())
    assert found[("tarn_records_unreadable",)] >= 6
    assert any(key[0] == "tarn_live_bytes" and key[1] == f'pid="{worker.pid}"' for key in found)
    if shutil.which("promtool"):
        subprocess.run(["promtool", "check", "metrics"], input=exporter.metrics(), check=True, text=True)


def prometheus_scrapes_it():
    if not shutil.which("prometheus"):
        skip("prometheus is not installed")
    worker = Worker()
    worker.hold(40)
    exporter = Exporter()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    recipe = re.search(r"```yaml\n(.*?)```", (ROOT / "docs/tarn-export.md").read_text(encoding="utf-8"), re.DOTALL)[1]
    assert "127.0.0.1:9464" in recipe
    scrape = "global: {scrape_interval: 1s}\n" + recipe.replace("127.0.0.1:9464", f"127.0.0.1:{exporter.port}")
    pathlib.Path("prometheus.yml").write_text(scrape, encoding="utf-8")
    with open("prometheus.log", "w", encoding="utf-8") as log:
        begin("prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data", f"--web.listen-address=127.0.0.1:{port}",
              stdout=log, stderr=log)

    def query(what):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query?query={urllib.parse.quote(what)}", timeout=5) as answer:
                return json.load(answer)["data"]["result"]
        except urllib.error.HTTPError as error:
            assert error.code != 400, (what, error.read())
        except (OSError, ValueError):
            pass
        return []

    [found] = wait_for(lambda: query(f'tarn_live_bytes{{pid="{worker.pid}"}}'), 60)
    assert found["metric"]["program"] == "python3" and found["metric"]["job"] == "tarn", found
    assert 40 * MIB < int(found["value"][1]) < 60 * MIB, found
    [state] = wait_for(lambda: query("tarn_process_state"))
    assert state["metric"]["state"] in ("running", "silent") and state["value"][1] == "1", state
    for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]:
        for target in panel["targets"]:
            query(re.sub(r"\$(instance|program)", ".*", target["expr"]).replace("$__rate_interval", "1m"))
    [up] = query('up{job="tarn"}')
    assert up["value"][1] == "1", up


def the_dashboard_asks_for_what_is_served():
    worker = Worker()
    worker.hold(1)
    served = {key[0] for key in values(Exporter().metrics())}
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    asked = set()
    for panel in dashboard["panels"]:
        assert panel["title"] and panel["targets"], panel
        for target in panel["targets"]:
            asked |= set(re.findall(r"\btarn_\w+", target["expr"]))
    for variable in dashboard["templating"]["list"]:
        asked |= set(re.findall(r"\btarn_\w+", str(variable.get("query", ""))))
    assert len(asked) > 5 and asked <= served, asked - served
    places = [tuple(panel["gridPos"].values()) for panel in dashboard["panels"]]
    assert len(set(places)) == len(places)


if __name__ == "__main__":
    main(globals())
