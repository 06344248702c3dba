# SPDX-License-Identifier: GPL-2.0-only
"""What scripts/run_tests.py is made of."""
