# SPDX-License-Identifier: GPL-2.0-only
"""The tests of this directory, or those that are named, as TAP."""

import os
import sys
import time
import unittest


class Result(unittest.TestResult):
    """Prints a line for each test case."""

    def __init__(self) -> None:
        super().__init__()
        self.said = False

    def say(self, ok: bool, test: unittest.TestCase, more: str = "") -> None:
        if not self.said:
            self.said = True
            name = test.id().replace("#", "")
            print(f"{'ok' if ok else 'not ok'} {self.testsRun} - {name}{more}")

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self.said = False

    def failed(self, test: unittest.TestCase, error: object) -> None:
        self.say(False, test)
        for line in self._exc_info_to_string(error, test).splitlines():
            print(f"# {line}")

    def addSuccess(self, test: unittest.TestCase) -> None:
        self.say(True, test)

    def addFailure(self, test: unittest.TestCase, error: object) -> None:
        super().addFailure(test, error)
        self.failed(test, error)

    def addError(self, test: unittest.TestCase, error: object) -> None:
        super().addError(test, error)
        if not hasattr(test, "_testMethodName"):  # a class or module that broke
            self.testsRun += 1
            self.said = False
        self.failed(test, error)

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        self.say(True, test, f" # SKIP {reason}")

    def addSubTest(self, test: unittest.TestCase, sub: object, error: object) -> None:
        super().addSubTest(test, sub, error)
        if error is not None:
            print(f"# {sub}")
            self.failed(test, error)

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:
        super().addUnexpectedSuccess(test)
        self.say(False, test)


def main() -> int:
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, here)
    loader = unittest.TestLoader()
    if sys.argv[1:]:
        suite = loader.loadTestsFromNames(sys.argv[1:])
    else:
        suite = loader.discover(here, top_level_dir=here)
    result = Result()
    began = time.monotonic()
    suite.run(result)
    print(f"# {time.monotonic() - began:.1f} seconds")
    print(f"1..{result.testsRun}")
    return 0 if result.wasSuccessful() and result.testsRun else 1


sys.stdout.reconfigure(line_buffering=True)
sys.exit(main())
