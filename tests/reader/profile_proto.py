# SPDX-License-Identifier: MIT
"""Reads a profile for pprof, by the wire format of protocol buffers and the numbers of profile.proto's fields as
https://github.com/google/pprof/tree/main/proto describes them; knows nothing of how tarn writes it. What is not as
the format demands is an AssertionError."""
import gzip

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def varint(data, place):
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            assert value < 1 << 64
            return value, place


def fields(data):
    """(number, wire type, value) of each field of a message."""
    place = 0
    while place < len(data):
        key, place = varint(data, place)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, place = varint(data, place)
        else:
            length = {FIXED64: 8, FIXED32: 4}.get(kind)
            if length is None:
                assert kind == BYTES, f"wire type {kind}"
                length, place = varint(data, place)
            value, place = data[place:place + length], place + length
            assert len(value) == length, "cut off"
        yield number, kind, value


def signed(value):
    return value - (1 << 64) if value >= 1 << 63 else value


def message(data, names, lists=()):
    """A dictionary: `names` by number; those in `lists` may come again, or as packed numbers."""
    found = {name: [] if name in lists else 0 for name in names.values()}
    for number, kind, value in fields(data):
        name = names.get(number)
        if name is None:
            continue
        if name not in lists:
            found[name] = value if kind == BYTES else signed(value)
        elif kind == BYTES and lists[name] == "numbers":
            place = 0
            while place < len(value):
                one, place = varint(value, place)
                found[name].append(signed(one))
        else:
            found[name].append(value if kind == BYTES else signed(value))
    return found


class Profile:
    """All of it, with references resolved and checked."""

    def __init__(self, path):
        with gzip.open(path) as file:
            data = file.read()
        top = message(data, {1: "types", 2: "samples", 3: "mappings", 4: "locations", 5: "functions", 6: "strings",
                             9: "time", 10: "duration", 11: "period_type", 12: "period", 13: "comments",
                             14: "default"},
                      {"types": "messages", "samples": "messages", "mappings": "messages", "locations": "messages",
                       "functions": "messages", "strings": "messages", "comments": "numbers"})
        self.strings = [text.decode("utf-8") for text in top["strings"]]
        assert self.strings[0] == "", "the first string must be empty"
        self.types = [self.value_type(one) for one in top["types"]]
        self.period_type, self.period = self.value_type(top["period_type"]), top["period"]
        self.default = self.strings[top["default"]]
        self.time, self.duration = top["time"], top["duration"]
        self.comments = [self.strings[one] for one in top["comments"]]
        self.mappings = self.by_id(self.mapping(one) for one in top["mappings"])
        self.functions = self.by_id(self.function(one) for one in top["functions"])
        self.locations = self.by_id(self.location(one) for one in top["locations"])
        self.first_mapping = next(iter(self.mappings.values()), None)
        self.samples = [self.sample(one) for one in top["samples"]]

    @staticmethod
    def by_id(entries):
        found = {}
        for one in entries:
            assert one["id"] != 0 and one["id"] not in found, f"id {one['id']}"
            found[one["id"]] = one
        return found

    def value_type(self, data):
        found = message(data, {1: "type", 2: "unit"})
        return self.strings[found["type"]], self.strings[found["unit"]]

    def mapping(self, data):
        found = message(data, {1: "id", 2: "begin", 3: "end", 4: "offset", 5: "file", 6: "build_id", 7: "functions",
                               8: "files", 9: "lines", 10: "inlined"})
        assert found["begin"] < found["end"]
        return {**found, "file": self.strings[found["file"]], "build_id": self.strings[found["build_id"]]}

    def function(self, data):
        found = message(data, {1: "id", 2: "name", 3: "system_name", 4: "file", 5: "start_line"})
        return {**found, **{key: self.strings[found[key]] for key in ("name", "system_name", "file")}}

    def location(self, data):
        found = message(data, {1: "id", 2: "mapping", 3: "address", 4: "lines"}, {"lines": "messages"})
        lines = [message(line, {1: "function", 2: "line"}) for line in found["lines"]]
        found["lines"] = [(self.functions[line["function"]], line["line"]) for line in lines]
        if found["mapping"]:
            mapping = self.mappings[found["mapping"]]
            assert mapping["begin"] <= found["address"] < mapping["end"]
        return found

    def sample(self, data):
        found = message(data, {1: "locations", 2: "values"}, {"locations": "numbers", "values": "numbers"})
        assert len(found["values"]) == len(self.types)
        found["locations"] = [self.locations[one] for one in found["locations"]]
        return found

    def total(self, name):
        place = [kind for kind, _ in self.types].index(name)
        return sum(sample["values"][place] for sample in self.samples)

    def stacks(self):
        """For each sample: names of functions, the innermost first."""
        return [[function["name"] for location in sample["locations"] for function, _ in location["lines"]]
                for sample in self.samples]
