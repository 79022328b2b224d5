// SPDX-License-Identifier: MIT
// Words that the generator makes names, texts and comments of.
#pragma once
#include <array>
#include <string_view>

namespace translator::words {

inline constexpr std::array<std::string_view, 40> kVerbs = {
    "add",    "apply", "bind",    "build", "check",  "clear", "close",  "collect", "compare", "count",
    "create", "draw",  "emit",    "fetch", "fill",   "find",  "format", "insert",  "join",    "load",
    "make",   "match", "measure", "merge", "move",   "open",  "parse",  "print",   "push",    "read",
    "remove", "reset", "resolve", "scan",  "select", "send",  "sort",   "split",   "update",  "write"};

inline constexpr std::array<std::string_view, 80> kNouns = {
    "account", "address", "amount", "anchor", "area",   "array",  "balance", "block",  "border", "buffer",
    "bytes",   "cache",   "cell",   "chunk",  "client", "column", "command", "cursor", "depth",  "device",
    "digit",   "domain",  "edge",   "entry",  "event",  "field",  "file",    "filter", "flag",   "frame",
    "group",   "handle",  "header", "height", "index",  "item",   "key",     "label",  "layer",  "length",
    "level",   "limit",   "line",   "list",   "margin", "marker", "message", "node",   "number", "offset",
    "option",  "order",   "owner",  "packet", "page",   "path",   "point",   "price",  "query",  "queue",
    "range",   "rate",    "record", "region", "result", "row",    "scale",   "score",  "sector", "size",
    "slot",    "source",  "state",  "step",   "table",  "target", "total",   "value",  "weight", "width"};

inline constexpr std::array<std::string_view, 40> kAdjectives = {
    "active", "actual",  "base",  "best",  "big",    "blank", "broken", "clean",  "common", "current",
    "empty",  "extra",   "fast",  "final", "first",  "fixed", "full",   "global", "hidden", "inner",
    "last",   "left",    "local", "lower", "main",   "max",   "min",    "new",    "next",   "old",
    "outer",  "pending", "prev",  "raw",   "remote", "right", "shared", "small",  "upper",  "visible"};

inline constexpr std::array<std::string_view, 6> kLetters = {"i", "j", "k", "n", "x", "y"};

}  // namespace translator::words
