#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The rules of Documentation/abi.rst, the tests that cite them, and the errnos

A rule is defined by an inline target, "_`area.word`". A test cites it in one of
two ways: as a string that begins a table row or the arguments of row(), or as
[area.word] in a comment.

Without options, report what does not fit and fail:
- a rule that is defined twice, cited but not defined, or not cited by any test
- an errno that a rule names and the table of errnos lacks, or the reverse
- a glossary in the uapi header that differs from the table of errnos
"""

import argparse
import collections
import pathlib
import re
import sys
import textwrap

RULES = "Documentation/abi.rst"
HEADER = "include/uapi/linux/bpfmap.h"
TESTS = ("tools/tests", "tools/fuzz", "tools/python/tests", "kunit")
SUFFIXES = (".c", ".h", ".sh", ".py")

NAME = r"[a-z_0-9]+\.[a-z_0-9]+"
DEFINITION = re.compile(rf"_`({NAME})`")
ERRNO = re.compile(r"\b(E(?!POLL)[A-Z0-9]{2,}|524)\b")
# A comment or a string of C; a comment of shell or Python
C_PARTS = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:[^"\\\n]|\\.)*"', re.S)
HASH_COMMENT = re.compile(r"(?:^|\s)#[^\n]*")
CITED_IN_COMMENT = re.compile(rf"\[({NAME})\]")
# What begins a row of a table, or the arguments of row()
CITED_IN_CODE = re.compile(
    rf'(?:\b(?:row|check_create(?:s|_flags))\(|\{{ ?)"({NAME})",')
# "-" is for what no rule promises
ROW = re.compile(r'\brow\("(?!-")([^"]*)"')

GLOSSARY_HEAD = " * Each errno has one meaning, unless the command says otherwise:\n *\n"
GLOSSARY_TAIL = " *\n * OBJ_PIN and OBJ_GET can also fail"


def definitions(text):
    """Rules in their order, each with its text: up to the next one"""
    found = list(DEFINITION.finditer(text))
    ends = [m.start() for m in found[1:]] + [len(text)]
    rules = []
    for match, end in zip(found, ends):
        body = text[match.end():end]
        # A rule ends with its table or paragraph
        body = re.split(r"\n=====|\n\n(?!   )", body)[0]
        rules.append((match[1], body))
    return rules


def glossary(text):
    """Errno and meaning, from the table in the section "Errnos" """
    section = text[text.index("\nErrnos\n======\n"):]
    table = section.split("\n============ ==== ====")[2].split("\n", 1)[1]
    meanings = {}
    for line in table.splitlines():
        if line[:1] != " ":
            name, _, meaning = line.split(None, 2)
            meanings[name] = meaning
        else:
            meanings[name] += " " + line.strip()
    return meanings


def glossary_comment(meanings):
    """The same as lines of a C comment"""
    return "".join(
        textwrap.fill(f"{name}: {meaning}", 80, initial_indent=" * - ",
                      subsequent_indent=" *   ", break_on_hyphens=False) + "\n"
        for name, meaning in meanings.items())


def split_header(header):
    """What is before, in and after the glossary of the header"""
    start = header.index(GLOSSARY_HEAD) + len(GLOSSARY_HEAD)
    end = header.index(GLOSSARY_TAIL)
    return header[:start], header[start:end], header[end:]


def citations(path):
    """Rules that a file cites; names of its rows that are no rules"""
    text = path.read_text()
    if path.suffix not in (".c", ".h"):
        comments = HASH_COMMENT.findall(text)
        code = ""
    else:
        comments = [p for p in C_PARTS.findall(text) if p[0] == "/"]
        code = C_PARTS.sub(lambda m: "" if m[0][0] == "/" else m[0], text)
    cited = [name for comment in comments
             for name in CITED_IN_COMMENT.findall(comment)]
    cited += CITED_IN_CODE.findall(code)
    bad = [name for name in ROW.findall(code) if not re.fullmatch(NAME, name)]
    return cited, bad


def test_files(top):
    for directory in TESTS:
        for path in sorted((top / directory).rglob("*")):
            if path.suffix in SUFFIXES and path.is_file():
                yield path


def check(top):
    """Yield what does not fit"""
    text = (top / RULES).read_text()
    rules = definitions(text)
    names = [name for name, _ in rules]
    for name, times in collections.Counter(names).items():
        if times > 1:
            yield f"{RULES}: {name} is defined {times} times"

    used = set()
    for path in test_files(top):
        cited, bad = citations(path)
        where = path.relative_to(top)
        for name in sorted(set(cited) - set(names)):
            yield f"{where}: there is no rule {name}"
        for name in bad:
            yield f'{where}: row("{name}") names no rule; "-" says so'
        used.update(cited)
    for name in names:
        if name not in used:
            yield f"{RULES}: no test cites {name}"

    meanings = glossary(text)
    section = re.split(r"\nErrnos\n=+\n|\nRules by errno", text)[1]
    named = {errno for _, body in rules for errno in ERRNO.findall(body)}
    for errno in sorted(named - set(ERRNO.findall(section))):
        yield f"{RULES}: a rule names {errno}, the section on errnos does not"
    for errno in meanings:
        if errno not in named:
            yield f"{RULES}: no rule names {errno} of the table of errnos"
    if split_header((top / HEADER).read_text())[1] != glossary_comment(meanings):
        yield f"{HEADER}: the errnos are not those of {RULES}: run scripts/abi.py -w"


def write_header(top):
    meanings = glossary((top / RULES).read_text())
    before, _, after = split_header((top / HEADER).read_text())
    (top / HEADER).write_text(before + glossary_comment(meanings) + after)


def index(top):
    """The rules of each errno, as reStructuredText"""
    text = (top / RULES).read_text()
    by_errno = collections.defaultdict(list)
    for name, body in definitions(text):
        for errno in dict.fromkeys(ERRNO.findall(body)):
            by_errno[errno].append(f"`{name}`_")
    for errno in glossary(text):
        yield f"{errno}\n   " + ", ".join(by_errno[errno]) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-w", "--write", action="store_true",
                        help=f"write the errnos to {HEADER}")
    parser.add_argument("-i", "--index", action="store_true",
                        help="print the rules of each errno")
    parser.add_argument("-C", dest="top", type=pathlib.Path, metavar="DIRECTORY",
                        default=pathlib.Path(__file__).resolve().parent.parent)
    args = parser.parse_args()
    if args.write:
        return write_header(args.top)
    lines = list(index(args.top) if args.index else check(args.top))
    print(*lines, sep="\n", end="\n" if lines else "")
    return bool(lines) and not args.index


if __name__ == "__main__":
    sys.exit(main())
