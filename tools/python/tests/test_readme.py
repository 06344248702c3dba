# SPDX-License-Identifier: GPL-2.0-only
"""The examples of README.md, as they are written there."""

import doctest
import os
import unittest

from common import PINS

README = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                      "README.md")


class ReadmeTest(unittest.TestCase):
    def test_examples(self):
        with open(README, encoding="utf-8") as file:
            text = file.read()
        # Markdown's fences are no output
        text = text.replace("```python\n", "\n").replace("```\n", "\n")
        test = doctest.DocTestParser().get_doctest(text, {}, "README", README, 0)
        self.assertGreater(len(test.examples), 20)
        said = []
        self.addCleanup(lambda: os.path.exists(f"{PINS}/hits") and os.unlink(f"{PINS}/hits"))
        results = doctest.DocTestRunner().run(test, out=said.append)
        self.assertEqual(results.failed, 0, "".join(said))
