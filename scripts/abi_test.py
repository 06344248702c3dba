#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Does scripts/abi.py notice what it should? Faults, planted in copies of the tree"""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parent.parent
SCRIPT = TOP / "scripts/abi.py"
RULES = "Documentation/abi.rst"
HEADER = "include/uapi/linux/bpfmap.h"
ROWS = "tools/tests/contract_pin.c"
KUNIT = "kunit/model.c"


class Planted(unittest.TestCase):
    def setUp(self):
        self.top = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        for path in (RULES, HEADER, "tools/tests", "tools/fuzz", "kunit"):
            if (TOP / path).is_dir():
                shutil.copytree(TOP / path, self.top / path,
                                ignore=lambda _, names: [
                                    n for n in names if "." in n and
                                    not n.endswith((".c", ".h", ".sh", ".py"))])
            else:
                (self.top / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(TOP / path, self.top / path)

    def run_script(self, *options):
        return subprocess.run([SCRIPT, "-C", self.top, *options],
                              capture_output=True, text=True)

    def replace(self, path, old, new, count=-1):
        text = (self.top / path).read_text()
        self.assertIn(old, text)
        (self.top / path).write_text(text.replace(old, new, count))

    def expect(self, *complaints):
        """Exactly these complaints, and a failure if there are any"""
        done = self.run_script()
        self.assertEqual(done.stdout.splitlines(), list(complaints), done.stderr)
        self.assertEqual(done.returncode, 1 if complaints else 0)

    def test_nothing_wrong(self):
        self.expect()

    def test_row_cites_no_rule(self):
        self.replace(ROWS, '"pin.base"', '"pin.bass"')
        self.expect(f"{ROWS}: there is no rule pin.bass",
                    f"{RULES}: no test cites pin.base")

    def test_table_cites_no_rule(self):
        path = "tools/tests/contract_elem.c"
        self.replace(path, '{ "flags.lock", "LOCK"', '{ "flag.lock", "LOCK"', 1)
        self.expect(f"{path}: there is no rule flag.lock")

    def test_comment_cites_no_rule(self):
        self.replace(KUNIT, "[flags.known]", "[flags.unknown]")
        self.expect(f"{KUNIT}: there is no rule flags.unknown")

    def test_row_without_rule(self):
        self.replace(ROWS, '"pin.base"', '"1.9"')
        self.expect(f"{ROWS}: there is no rule 1.9",
                    f"{RULES}: no test cites pin.base")

    def test_code_is_no_citation(self):
        path = "tools/tests/held.c"
        with open(self.top / path, "a") as file:
            file.write('int x = array[pin.nowhere];\nconst char *y = "[a.b]";\n')
        self.expect()

    def test_rule_without_test(self):
        self.replace(RULES, "_`pin.holds`\n", "_`pin.alone`\n   Not tested.\n\n"
                     "_`pin.holds`\n")
        self.expect(f"{RULES}: no test cites pin.alone")

    def test_rule_twice(self):
        self.replace(RULES, "_`pin.holds`\n", "_`pin.mode`\n   Again.\n\n"
                     "_`pin.holds`\n")
        self.expect(f"{RULES}: pin.mode is defined 2 times")

    def test_errno_without_meaning(self):
        self.replace(RULES, "_`get.pin`                EACCES",
                     "_`get.pin`                ECHILD")
        self.expect(f"{RULES}: a rule names ECHILD, the section on errnos does not")

    def test_errno_of_no_rule(self):
        self.replace(RULES, "ENOTTY       25", "ENODEV       19   none\n"
                     "ENOTTY       25")
        self.expect(f"{RULES}: no rule names ENODEV of the table of errnos",
                    f"{HEADER}: the errnos are not those of {RULES}: "
                    "run scripts/abi.py -w")

    def test_header_out_of_step(self):
        self.replace(HEADER, "a user pointer cannot be read", "a pointer is bad")
        self.expect(f"{HEADER}: the errnos are not those of {RULES}: "
                    "run scripts/abi.py -w")
        self.run_script("--write")
        self.expect()
        self.assertEqual((self.top / HEADER).read_text(),
                         (TOP / HEADER).read_text())

    def test_index(self):
        lines = self.run_script("--index").stdout.splitlines()
        at = lines.index("EBADFD")
        self.assertEqual(lines[at + 1], "   `fd.closed`_, `info.closed`_")


if __name__ == "__main__":
    sys.exit(unittest.main())
