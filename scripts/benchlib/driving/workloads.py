# SPDX-License-Identifier: MIT
"""The table of workloads: read, checked, selected."""
import dataclasses
import json
import re
import shutil

from ..faults import Fault, choose

GROUPS = ("servers", "small", "large", "life", "startup", "programs", "threads")
OUTPUTS = ("work", "same")
KEYS = {"name": str, "group": str, "title": str, "source": str, "command": list, "quick": bool, "output": str}
OPTIONAL = {"environment": dict, "needs": str, "one_processor": bool}


@dataclasses.dataclass(frozen=True)
class Workload:
    """One line of the table, with {build} and {source} filled in."""
    name: str
    group: str
    title: str
    source: str
    command: tuple
    environment: dict
    needs: str
    quick: bool
    output: str
    one_processor: bool = False

    def missing(self):
        """Why it cannot run here; nothing when it can."""
        if self.needs and not shutil.which(self.needs):
            return f"{self.needs} is not installed"
        if not shutil.which(self.command[0]):
            return f"{self.command[0]} is not there"
        return ""


def checked(entry, position, path):
    if not isinstance(entry, dict):
        raise Fault(f"{path}: entry {position} is not an object")
    place = f"{path}: entry {position} ({entry.get('name', 'without a name')})"
    for key, kind in KEYS.items():
        if not isinstance(entry.get(key), kind):
            raise Fault(f"{place}: '{key}' must be there and be a {kind.__name__}")
    for key, value in entry.items():
        if key not in KEYS and key not in OPTIONAL:
            raise Fault(f"{place}: unknown key '{key}'")
        if key in OPTIONAL and not isinstance(value, OPTIONAL[key]):
            raise Fault(f"{place}: '{key}' must be a {OPTIONAL[key].__name__}")
    words = [*entry["command"], *entry.get("environment", {}).values()]
    if not entry["command"] or not all(isinstance(word, str) for word in words):
        raise Fault(f"{place}: 'command' and 'environment' hold strings, and a command has at least one")
    if not re.fullmatch(r"[a-z0-9-]+", entry["name"]):
        raise Fault(f"{place}: a name is made of a-z, 0-9 and -")
    choose(f"group in {place}", [entry["group"]], GROUPS)
    choose(f"output in {place}", [entry["output"]], OUTPUTS)
    return entry


def load(path, build, source):
    """All workloads of the table, in its order."""
    try:
        with open(path, encoding="utf-8") as file:
            table = json.load(file)
    except OSError as error:
        raise Fault(f"cannot read the table of workloads: {error}") from error
    except ValueError as error:
        raise Fault(f"{path} is not JSON: {error}") from error
    if not isinstance(table, list) or not table:
        raise Fault(f"{path} is not a list of workloads")

    def filled(word):
        return word.replace("{build}", build).replace("{source}", source)

    found = []
    for position, entry in enumerate(table):
        checked(entry, position, path)
        command = tuple(filled(word) for word in entry["command"])
        environment = {key: filled(value) for key, value in entry.get("environment", {}).items()}
        found.append(Workload(**{**{key: entry[key] for key in KEYS}, "command": command,
                                 "environment": environment, "needs": entry.get("needs", ""),
                                 "one_processor": entry.get("one_processor", False)}))
    names = [workload.name for workload in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Fault(f"{path}: more than one workload is called {', '.join(twice)}")
    return found


def select(workloads, words):
    """Those named by `words`: a name or group:NAME; all without words. In the table's order."""
    if not words:
        return list(workloads)
    groups = [word.removeprefix("group:") for word in words if word.startswith("group:")]
    names = [word for word in words if not word.startswith("group:")]
    choose("workload", names, [workload.name for workload in workloads])
    choose("group", groups, list(dict.fromkeys(workload.group for workload in workloads)))
    return [workload for workload in workloads if workload.name in names or workload.group in groups]


def interleaved(workloads):
    """One of each group in turn, so that what a time budget cuts off is a bit of every group."""
    ranks = {}
    order = []
    for workload in workloads:
        rank = ranks[workload.group] = ranks.get(workload.group, -1) + 1
        order.append((rank, workload))
    return [workload for _, workload in sorted(order, key=lambda pair: pair[0])]
