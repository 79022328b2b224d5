# SPDX-License-Identifier: MIT
"""A browser without a window, driven over two pipes by Chrome's DevTools protocol."""
import base64
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
PATIENCE_S = 60 * int(os.environ.get("TEST_PATIENCE") or 1)
OPTIONS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
           "--disable-background-networking", "--disable-component-update", "--disable-extensions", "--disable-sync",
           "--force-color-profile=srgb", "--remote-debugging-pipe"]


def installed():
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One tab. What the page said on its console, and what it asked the network for, is kept."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tarn-browser-")
        to_browser, self.output = os.pipe()
        self.input, from_browser = os.pipe()

        def pipes():  # in the child: 3 is read, 4 is written
            read, write = os.dup(to_browser), os.dup(from_browser)
            os.dup2(read, 3)
            os.dup2(write, 4)

        environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
        self.child = subprocess.Popen([installed(), *OPTIONS, f"--user-data-dir={self.folder.name}", "about:blank"],
                                      stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=pipes,
                                      pass_fds=(3, 4), env=environment, start_new_session=True)
        os.close(to_browser)
        os.close(from_browser)
        self.number, self.unread, self.session = 0, b"", None
        self.said, self.requests, self.loaded = [], [], False
        [target] = [one for one in self.call("Target.getTargets")["targetInfos"] if one["type"] == "page"]
        self.session = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for part in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{part}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.output)
        os.close(self.input)
        os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()
        shutil.rmtree(self.folder.name, ignore_errors=True)

    def message(self, deadline):
        while b"\0" not in self.unread:
            ready, _, _ = select.select([self.input], [], [], max(0, deadline - time.monotonic()))
            piece = os.read(self.input, 1 << 20) if ready else b""
            if not piece:
                raise TimeoutError("the browser does not answer")
            self.unread += piece
        text, self.unread = self.unread.split(b"\0", 1)
        found = json.loads(text)
        self.note(found.get("method"), found.get("params"))
        return found

    def note(self, method, what):
        if method == "Log.entryAdded":
            self.said.append(what["entry"]["text"])
        elif method == "Runtime.consoleAPICalled":
            self.said.append(str(what["args"]))
        elif method == "Runtime.exceptionThrown":
            self.said.append(str(what["exceptionDetails"]))
        elif method == "Network.requestWillBeSent":
            self.requests.append(what["request"]["url"])
        elif method == "Page.loadEventFired":
            self.loaded = True
        elif method == "Page.javascriptDialogOpening":
            self.said.append("a dialog: " + what["message"])
            self.send("Page.handleJavaScriptDialog", accept=True)

    def send(self, method, **words):
        self.number += 1
        call = {"id": self.number, "method": method, "params": words, **({"sessionId": self.session} if self.session else {})}
        os.write(self.output, json.dumps(call).encode() + b"\0")
        return self.number

    def call(self, method, **words):
        number, deadline = self.send(method, **words), time.monotonic() + PATIENCE_S
        while (answer := self.message(deadline)).get("id") != number:
            pass
        assert "error" not in answer, (method, answer["error"])
        return answer["result"]

    def open(self, path, width=1280, height=900, scheme="light", script=True):
        """A file, in a window of that size; what was kept of the page before is forgotten."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Emulation.setScriptExecutionDisabled", value=not script)
        self.said, self.requests, self.loaded = [], [], False
        self.call("Page.navigate", url="file://" + os.path.abspath(path))
        deadline = time.monotonic() + PATIENCE_S
        while not self.loaded:
            self.message(deadline)

    def run(self, expression):
        """The value of an expression in the page; it may be asked also where the page's own scripts are off."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, (expression, found["exceptionDetails"])
        return found["result"].get("value")

    def click(self, expression):
        """A real click on the middle of an element."""
        x, y = self.run(f"(e => {{ e.scrollIntoView({{block: 'center'}}); const b = e.getBoundingClientRect(); "
                        f"return [b.x + b.width / 2, b.y + b.height / 2]; }})({expression})")
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="none" if kind == "mouseMoved" else "left", clickCount=1)

    def type(self, text):
        self.call("Input.insertText", text=text)

    def press(self, key):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key)

    def picture(self, path, whole=True):
        """The page as a PNG file, all of it or what the window shows."""
        found = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        with open(path, "wb") as file:
            file.write(base64.b64decode(found["data"]))
