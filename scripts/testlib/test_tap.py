# SPDX-License-Identifier: GPL-2.0-only
"""The counts of good and of broken TAP."""

import textwrap
import unittest

from testlib.tap import Parser, parse


def run(text: str) -> Parser:
    return parse(textwrap.dedent(text).lstrip("\n").splitlines())


class Case(unittest.TestCase):
    """Compares counts, and what failed"""

    def check(
        self, text: str, passed: int, failed: list[str], skipped: int = 0
    ) -> Parser:
        parser = run(text)
        tally = parser.tally
        self.assertEqual(tally.failures, failed)
        self.assertEqual(
            (tally.passed, tally.failed, tally.skipped), (passed, len(failed), skipped)
        )
        return parser


class Program(Case):
    """One or more programs that say how they ended"""

    def test_good(self) -> None:
        self.check(
            """
            # program a
            1..2
            ok 1 - x
            ok 2 - y
            # status 0
            # program b, with changes
            ok 1 - z
            1..1
            # status 0
            """,
            3,
            [],
        )

    def test_case_that_fails(self) -> None:
        parser = self.check(
            "# program a\n1..2\nok 1 - x\nnot ok 2 - y\n# status 1",
            1,
            ["a: not ok 2 - y"],
        )
        self.assertEqual(parser.notes, [])

    def test_skip(self) -> None:
        self.check(
            "# program a\n1..2\nok 1 - x # SKIP no such kernel\nok 2\n# status 0",
            1,
            [],
            skipped=1,
        )

    def test_all_skipped(self) -> None:
        self.check("# program a\n1..1\nok 1 # SKIP\n# status 0", 0, [], skipped=1)

    def test_too_few(self) -> None:
        self.check(
            "# program a\n1..3\nok 1\nok 2\n# status 0",
            2,
            ["a: planned 3 results, got 2"],
        )

    def test_too_many(self) -> None:
        self.check(
            "# program a\n1..1\nok 1\nok 2\n# status 0",
            2,
            ["a: planned 1 results, got 2"],
        )

    def test_no_plan(self) -> None:
        self.check("# program a\nok 1\n# status 0", 1, ["a: no plan"])

    def test_plan_alone(self) -> None:
        self.check("# program a\n1..2\n# status 0", 0, ["a: planned 2 results, got 0"])

    def test_plan_of_none(self) -> None:
        self.check("# program a\n1..0\n# status 0", 0, ["a: no result at all"])

    def test_silence(self) -> None:
        self.check("# program a\n# status 0", 0, ["a: no result at all"])

    def test_killed(self) -> None:
        self.check(
            "# program a\n1..2\nok 1\n# status 137",
            1,
            ["a: planned 2 results, got 1"],
        )

    def test_dies_at_its_end(self) -> None:
        self.check(
            "# program a\n1..1\nok 1\n# status 139",
            1,
            ["a: exit status 139 with no test failed"],
        )

    def test_bail_out(self) -> None:
        self.check("# program a\nBail out!\n# status 255", 0, ["a: no result at all"])

    def test_without_status(self) -> None:
        self.check(
            """
            # program a
            1..1
            ok 1
            # program b
            1..1
            ok 1
            # status 0
            """,
            2,
            ["a: ended without a status"],
        )

    def test_last_without_status(self) -> None:
        self.check("# program a\n1..1\nok 1", 1, ["a: ended without a status"])

    def test_one_does_not_hide_the_next(self) -> None:
        self.check(
            """
            # program a
            1..3
            ok 1
            # program b
            1..1
            ok 1
            # status 0
            # program c
            # status 1
            """,
            2,
            ["a: ended without a status", "c: no result at all"],
        )

    def test_notes(self) -> None:
        parser = self.check(
            """
            # program a
            1..1
            not ok 1
            # status 0
            # program b
            1..1
            not ok 1
            # status 3
            """,
            0,
            ["a: not ok 1", "b: not ok 1"],
        )
        self.assertEqual(
            parser.notes, ["a: exit status 0 with tests failed", "b: exit status 3"]
        )

    def test_garbage(self) -> None:
        self.check(
            """
            # program a
            okay 7
            ok
            not ok
            1..
            nok 3
            status 0
            #program b
            \x00\x1b[0m ok 9
              # status 1
            1..1
            ok 1 - x # status 3
            # status 0
            """,
            1,
            [],
        )

    def test_carriage_return(self) -> None:
        parser = parse(["# program a\r\n", "1..1\r\n", "ok 1\r\n", "# status 0\r\n"])
        self.assertEqual((parser.tally.passed, parser.tally.failed), (1, 0))
        self.assertEqual(parser.seen, ["a"])

    def test_assertions(self) -> None:
        parser = run(
            "# program a\n1..1\n# 12 assertions\n# # 1 assertion\nok 1\n# status 0"
        )
        self.assertEqual(parser.tally.assertions, 13)


class Kernel(Case):
    """Nested, without programs, with the time in front"""

    def test_nested(self) -> None:
        self.check(
            """
            [    1.000000][    T1] KTAP version 1
            [    1.000000][    T1] 1..2
            [    1.000000][    T1]     KTAP version 1
            [    1.000000][    T1]     # Subtest: array
            [    1.000000][    T1]     1..2
            [    1.000000][    T1]     ok 1 one
            [    1.000000][    T1]     ok 2 two
            [    1.000000][    T1] ok 1 array
            [   12.345678]     1..2
            [   12.345678]         KTAP version 1
            [   12.345678]         # Subtest: each
            [   12.345678]         ok 1 a
            [   12.345678]         ok 2 b
            [   12.345678]         ok 3 c
            [   12.345678]     ok 1 each
            [   12.345678]     ok 2 plain
            [   12.345678] ok 2 hash
            """,
            6,
            [],
        )

    def test_counted_once(self) -> None:
        self.check(
            """
            1..1
                1..2
                not ok 1 one
                ok 2 two
            not ok 1 array
            """,
            1,
            ["not ok 1 one"],
        )

    def test_sum_that_fails_alone(self) -> None:
        self.check("1..1\n    1..1\n    ok 1 one\nnot ok 1 array", 1, ["not ok 1 array"])

    def test_plan_below(self) -> None:
        self.check(
            "1..2\n    1..3\n    ok 1\n    ok 2\nok 1 array\nok 2 hash",
            3,
            ["planned 3 results, got 2"],
        )

    def test_suite_that_is_missing(self) -> None:
        self.check(
            "1..2\n    1..1\n    ok 1\nok 1 array", 1, ["planned 2 results, got 1"]
        )

    def test_suite_that_died(self) -> None:
        self.check(
            "1..1\n    1..2\n    ok 1\nkernel BUG at x.c:1",
            1,
            ["planned 2 results, got 1", "planned 1 results, got 0"],
        )

    def test_skipped(self) -> None:
        self.check(
            "1..2\n    1..1\n    ok 1 one # SKIP no\nok 1 array # SKIP no\nok 2 hash",
            1,
            [],
            skipped=1,
        )

    def test_nothing(self) -> None:
        self.check("", 0, ["no result at all"])
