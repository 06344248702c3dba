// SPDX-License-Identifier: GPL-2.0-only
/*
 * Do the self-checking values detect every mixture? Needs no map.
 */
#include "load.h"

static const unsigned int sizes[] = { 8, 13, 24, 64, 512, 4000 };

/* Every mixture of two values, split at one place, must be detected. */
TEST(test_detector, 0)
{
	struct load_tag a = { .key = 5, .writer = 3, .seq = 70 }, b = a, tag;
	static char one[4000], two[4000], mix[4000];
	unsigned int i, cut, caught = 0;

	b.seq++;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		unsigned int size = sizes[i];

		load_fill(one, size, &a);
		load_fill(two, size, &b);
		expect(load_check(one, size, &tag));
		expect_eq(tag.seq, a.seq);
		expect_eq(tag.key, a.key);
		for (cut = 0; cut <= size; cut++) {
			memcpy(mix, one, cut);
			memcpy(mix + cut, two + cut, size - cut);
			if (!memcmp(mix, one, size) || !memcmp(mix, two, size)) {
				expect(load_check(mix, size, &tag));
			} else {
				expect(!load_check(mix, size, &tag));
				caught++;
			}
		}
	}
	expect(caught > 4000);
}

TEST_MAIN
