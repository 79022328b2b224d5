#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What Doxygen reads in the place of a header or a page of the guide; docs/Doxyfile names it.

usage: doxygen_filter.py FILE

In a header, the comment directly before a declaration and the one at the end of its line become Doxygen's, the first
comment of the file describes the file, and all that it declares joins the group of its topic. Comments within
functions, and those that a blank line parts from what follows, stay as they are. In a page, links to what the
reference does not have become their text.
"""
import os
import re
import sys

# A file belongs to the first topic whose word its name has.
TOPICS = {"arena": "Arenas", "pool": "Pools", "interner": "Interners", "heap": "Heaps", "batch": "Batches",
          "buffer": "Buffers", "cow_string": "Copy-on-write strings", "metrics": "Metrics", "scan": "Scanning",
          "small_vector": "Small vectors", "statistics": "Statistics", "backend": "Backends", "": "Common"}
TOKEN = re.compile(r"""(?P<block>/\*.*?\*/) | (?P<line>//[^\n]*(?:\n[ \t]*//[^\n]*)*) |
                       (?P<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'(?!\w)) | (?P<code>.)""", re.S | re.X)
SCOPE = re.compile(r"(?:typedef\s+|inline\s+)?(?:struct|class|enum|union|namespace|extern\b)")
BEFORE_SCOPE = re.compile(r"^\s*#[^\n]*\n|requires\s*\(.*\)|\btemplate\b", re.M)
ANGLES = re.compile(r"<[^<>]*>")
# Specialisations of the standard library's templates, whose scopes Doxygen does not know, come last.
BEHIND_NAMESPACE = re.compile(r"(?<=^\}  // namespace tarn\n)(?:^#if.*?^#endif\n|(?!^#endif).)+", re.M | re.S)
NO_DECLARATION = re.compile(r"#(?!define)|//|/\*|\}|namespace|(public|private|protected):|static_assert")
LINK = re.compile(r"\[([^\]]*)\]\(\.\./[^)]*\)")
LIST_ITEM = re.compile(r"(?:- |\d+\. )")


class Place:
    """Where in the code a comment stands: what is open around it, and the statement so far."""

    def __init__(self):
        self.open, self.parentheses, self.statement = [], 0, ""

    def take(self, character):
        if character == "{":
            self.open.append(self.opens_scope())
        elif character == "}" and self.open:
            self.open.pop()
        self.parentheses += (character == "(") - (character == ")")
        self.statement = "" if character in "{};" else self.statement + character

    def opens_scope(self):
        """Whether the brace after the statement is that of a type or namespace, not of a function."""
        plain = BEFORE_SCOPE.sub("", self.statement)
        while ANGLES.search(plain):
            plain = ANGLES.sub("", plain)
        return bool(SCOPE.match(plain.strip()))

    def declares(self):
        return all(self.open) and self.parentheses == 0


def words(comment):
    """Its lines without what makes it a comment."""
    if comment.startswith("//"):
        return [re.sub(r"^\s*// ?", "", line) for line in comment.split("\n")]
    return [re.sub(r"^\s*\* ?", "", line) for line in comment[2:-2].strip().split("\n")]


def escaped(line):
    """Signs that mean something to Doxygen stand for themselves; what is between backquotes is code."""
    parts = re.split(r"(`[^`]+`)", line)
    return "".join(part if part.startswith("`") and len(part) > 1 else re.sub(r"([\\@<>&#%$*_`|])", r"\\\1", part)
                   for part in parts)


def body(lines, language):
    """As Doxygen's: indented lines are code after a line that ends in `Example:`, and as they are elsewhere."""
    result, kind, in_list, example = [], "", False, False
    for line in lines:
        indented = line.startswith("  ") and not in_list
        if kind and line.strip() and not indented:
            result.append(f"@end{kind}")
            kind = ""
        if indented and not kind:
            kind = "code" if example else "verbatim"
            result.append("@code" + language if example else "@verbatim")
        in_list = bool(LIST_ITEM.match(line)) or (in_list and line.startswith(" "))
        example = line.endswith("Example:") or (example and indented)
        result.append(line if kind else re.sub(r"^Example:$", "@par Example", escaped(line)))
    return "\n".join(result + [f"@end{kind}"] * bool(kind))


def is_before_declaration(after):
    """Whether the line below is one that Doxygen lists."""
    found = re.match(r"[ \t]*\n([^\n]*)", after)
    following = found[1].strip() if found else ""
    return bool(following) and not NO_DECLARATION.match(following)


def documented(text, language):
    place, result = Place(), []
    for token in TOKEN.finditer(text):
        if token.lastgroup in ("code", "text"):
            place.take(token[0])
            result.append(token[0])
            continue
        before = text[text.rfind("\n", 0, token.start()) + 1:token.start()].strip()
        about = body(words(token[0]), language)
        if not place.declares() or before.endswith(("{", "}", ":")):
            result.append(token[0])
        elif before:
            result.append(f"/**< {about} */")
        elif is_before_declaration(text[token.end():]):
            result.append(f"/** {about} */")
        else:
            result.append(token[0])
    return "".join(result)


def header(name, text):
    language = "{.c}" if name.endswith(".h") else "{.cpp}"
    topic = next(topic for topic in TOPICS if topic in name)
    first = TOKEN.search(text)
    about = body(words(first[0])[1:], language)
    group = f"/** @addtogroup {topic or 'common'} {TOPICS[topic]}\n@ref {name}\n@{{ */"
    rest = BEHIND_NAMESPACE.sub("", text[first.end():])
    return f"/** @file\n{about} */{group}{documented(rest, language)}/** @}} */\n"


def main():
    path = sys.argv[1]
    with open(path, encoding="utf-8") as file:
        text = file.read()
    name = os.path.basename(path)
    sys.stdout.write(LINK.sub(r"\1", text) if name.endswith(".md") else header(name, text))


if __name__ == "__main__":
    main()
