#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Makes the manual pages of the command tarn: of each verb, from what `tarn VERB --help` says. A page in the folder PAGES is
written by hand, but for the places that say so. The build calls it.

usage: man_page.py TARN PAGES OUTPUT
"""
import os
import re
import shutil
import subprocess
import sys

PLACE = '.\\" '  # in a page: VERBS, USAGE, EXAMPLES and OPTIONS stand for what the command says
OPTION = re.compile(r"(?P<names>-[\w?-]+(?:,-[\w?-]+)*)(?:\{(?P<bare>[^}]*)\})?(?: (?P<value>\[?=?[A-Z][\w/|]*\]?(?: \.\.\.)?))?"
                    r"(?::(?P<check>\{.*?\}|[A-Z].*?\]))?(?:=(?P<default>\S+))?(?P<more>.*)$")


def help_of(command, *verb):
    # Wherever it is preloaded, a report of tarn's is no part of the help.
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD" and not name.startswith("TARN_")}
    return subprocess.run([command, *verb, "--help"], check=True, capture_output=True, text=True, env=environment,
                          stdin=subprocess.DEVNULL).stdout


def parts(text):
    """Example, description, usage, then titles with their lines, and what is said last."""
    found = {"Example": [], "": [], "Usage": [], "last": []}
    title = ""
    for line in text.splitlines():
        heading = re.fullmatch(r"([A-Z][\w -]*):", line)
        if line.startswith("Usage: "):
            found["Usage"], title = [line.removeprefix("Usage: ")], "last"
        elif heading:
            title = heading[1]
            found.setdefault(title, [])
        elif line and not line.startswith(" ") and title not in ("", "last"):
            title = "last" if found["Usage"] else ""
            found[title].append(line)
        else:
            found[title].append(line)
    return found


def entries(lines):
    """(what is to be typed, what it does) of a list in two columns."""
    found = []
    for line in filter(str.strip, lines):
        begins = re.match(r"  (\S.*?)(?:\s{2,}(\S.*))?$", line)
        if begins:
            found.append([begins[1], begins[2] or ""])
        elif found:
            found[-1][1] = " ".join(filter(None, [found[-1][1], line.strip()]))
    return found


def plain(text):
    """As roff has it: no line is a request, and no character another one."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga").replace("'", "\\(aq").replace("~", "\\(ti").replace("^", "\\(ha")
    return re.sub(r"^([.'])", r"\\&\1", text)


def paragraph(lines):
    return plain(" ".join(line.strip() for line in lines if line.strip()))


def sentence(text):
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", ":")) else ".")


def option(typed, what):
    """An entry of OPTIONS."""
    form = OPTION.fullmatch(typed)
    if not form or form["more"].strip() not in ("", "REQUIRED"):
        name = typed.removesuffix(" REQUIRED")
        name = re.sub(r"^(\S+) (?:TEXT|INT|UINT|FLOAT)\b", r"\1", name)
        return f".TP\n\\fI{plain(name)}\\fR\n{plain(sentence(what))}\n"
    value = form["value"] or ""
    names = ", ".join(f"\\fB{plain(name)}\\fR" for name in form["names"].split(","))
    names += f"{'' if '=' in value else ' '}\\fI{plain(value)}\\fR" if value else ""
    check, default = form["check"] or "", form["default"] or form["bare"]
    extra = []
    if check.startswith("{"):
        extra.append("one of " + check.strip("{}").replace(",", ", "))
    elif span := re.search(r"\[(\S+) - (\S+)\]", check):
        extra.append(f"from {span[1]} to {span[2]}")
    if default:
        extra.append(f"{'without a value' if form['bare'] else 'if not given'}: {default}")
    return f".TP\n{names}\n{plain(sentence(what + (f' ({chr(59).join(extra)})' if extra else '').replace(';', '; ')))}\n"


def usage(line):
    words = line.split()
    name = []
    while words and re.fullmatch(r"[a-z-]+", words[0]):
        name.append(words.pop(0))
    rest = " ".join(f"[\\fIoptions\\fR]" if word == "[OPTIONS]" else f"\\fI{plain(word)}\\fR" for word in words)
    return f"\\fB{plain(' '.join(name))}\\fR {rest}".rstrip() + "\n"


def sections(text):
    """Of a verb's help, as roff: USAGE, EXAMPLES, OPTIONS, and what stands before and after them."""
    found = parts(text)
    status, _, more = " ".join(found["last"]).strip().removeprefix("Exit status: ").partition(". ")
    lists = [(title, lines) for title, lines in found.items() if title not in ("Example", "", "Usage", "last")]
    options = "".join((f".SS {title}\n" if title not in ("Options", "Positionals") else "")
                      + "".join(option(*entry) for entry in entries(lines)) for title, lines in lists)
    examples = "".join(plain(line[2:]) + "\n" for line in found["Example"] if line.strip())
    return {"USAGE": usage(found["Usage"][0]), "EXAMPLES": f".nf\n{examples}.fi\n", "OPTIONS": options,
            "what": paragraph(found[""]), "status": plain(status.strip()), "more": plain(more.strip())}


def page(verb, has, heading):
    return (f".TH TARN-{verb.upper()} 1 {heading}\n.SH NAME\ntarn\\-{verb} \\- {has['what'].rstrip('.')}\n"
            f".SH SYNOPSIS\n{has['USAGE']}.SH EXAMPLES\n{has['EXAMPLES']}"
            f".SH DESCRIPTION\n{sentence(has['what'])}\n" + (f".PP\n{has['more']}\n" if has["more"] else "")
            + f".SH OPTIONS\n{has['OPTIONS']}.SH EXIT STATUS\n{sentence(has['status'])}\n"
            ".SH SEE ALSO\n.BR tarn (1),\n.BR libtarn (3)\n")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def main():
    command, pages, output = sys.argv[1:]
    first = read(os.path.join(pages, "tarn.1"))
    heading = re.search(r"^\.TH TARN 1 (.*)$", first, re.MULTILINE)[1]
    verbs = entries(parts(help_of(command)).get("Subcommands", []))
    if not verbs:
        sys.exit(f"man_page.py: {command} --help names no verb")
    listed = "".join(f".TP\n.BR tarn\\-{verb} (1)\n{plain(sentence(what))}\n" for verb, what in verbs)
    made = {"tarn.1": first.replace(PLACE + "VERBS\n", listed)}
    for verb, _ in verbs:
        has = sections(help_of(command, verb))
        by_hand = os.path.join(pages, f"tarn-{verb}.1")
        text = read(by_hand) if os.path.exists(by_hand) else page(verb, has, heading)
        for place in ("USAGE", "EXAMPLES", "OPTIONS"):
            text = text.replace(f"{PLACE}{place}\n", has[place])
        made[f"tarn-{verb}.1"] = text
    shutil.rmtree(output, ignore_errors=True)
    os.makedirs(output)
    for name, text in made.items():
        with open(os.path.join(output, name), "w", encoding="utf-8") as file:
            file.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
