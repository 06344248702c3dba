/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the KUnits of the supported kernels. Included before
 * everything else by the build.
 */
#ifndef _BPFMAP_KUNIT_COMPAT_H
#define _BPFMAP_KUNIT_COMPAT_H

#include <kunit/test.h>
#include <linux/string.h>

#ifndef KUNIT_EXPECT_MEMEQ
#define KUNIT_EXPECT_MEMEQ(test, left, right, size) \
	KUNIT_EXPECT_EQ(test, memcmp(left, right, size), 0)
#endif

#ifndef KUNIT_CASE_SLOW
#define KUNIT_CASE_SLOW(test_name) KUNIT_CASE(test_name)
#endif

#endif /* _BPFMAP_KUNIT_COMPAT_H */
