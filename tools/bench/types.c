// SPDX-License-Identifier: GPL-2.0-only
/*
 * The map types, and the keys and values of their elements
 *
 * Keys and values are computed from the number of an element, so that nothing
 * but the map has to remember them.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define OPS_SINGLE (OP_INSERT | OP_UPDATE | OP_LOOKUP | OP_MISS | OP_NEXT | \
		    OP_DELETE)
#define OPS_HASH (OPS_SINGLE | OP_LOOK_DEL | OP_B_UPDATE | OP_B_LOOKUP | \
		  OP_B_LOOK_DEL | OP_B_DELETE | OP_M_LOOKUP | OP_M_DELETE)
#define OPS_ARRAY (OP_UPDATE | OP_LOOKUP | OP_MISS | OP_NEXT | OP_B_UPDATE | \
		   OP_B_LOOKUP | OP_M_LOOKUP)
#define OPS_LPM (OPS_SINGLE | OP_B_UPDATE | OP_B_LOOKUP | OP_B_DELETE | \
		 OP_M_LOOKUP | OP_M_DELETE)
#define OPS_QUEUE (OP_INSERT | OP_LOOKUP | OP_LOOK_DEL)
#define OPS_BLOOM (OP_INSERT | OP_LOOKUP | OP_MISS)
/*
 * A write waits for a grace period, and that is not what it costs. With bpf(2)
 * of older kernels a look-up waits as well: few elements, lest it take hours.
 */
#define OPS_MAPS (OP_LOOKUP | OP_NEXT | OP_B_LOOKUP | OP_M_LOOKUP)
#define FEW 16

/* By the rules for keys and values: what to do, and sizes by default */
#define OPS_BYTES_BYTES OPS_HASH
#define OPS_BYTES_PERCPU OPS_HASH
#define OPS_SHORT_BYTES OPS_HASH
#define OPS_INDEX_BYTES OPS_ARRAY
#define OPS_INDEX_PERCPU OPS_ARRAY
#define OPS_PREFIX_BYTES OPS_LPM
#define OPS_INDEX_MAPS OPS_MAPS
#define OPS_BYTES_MAPS OPS_MAPS
#define OPS_NONE_BYTES OPS_QUEUE
#define OPS_NONE_NONE 0

#define HASH_SIZES "8/8,4/64,40/512"
#define SIZES_BYTES_BYTES HASH_SIZES
#define SIZES_BYTES_PERCPU HASH_SIZES
#define SIZES_SHORT_BYTES HASH_SIZES
#define SIZES_INDEX_BYTES "4/8,4/64,4/512"
#define SIZES_INDEX_PERCPU SIZES_INDEX_BYTES
#define SIZES_PREFIX_BYTES "8/8,8/64,20/512"
#define SIZES_INDEX_MAPS "4/4"
#define SIZES_BYTES_MAPS "8/4"
#define SIZES_NONE_BYTES "0/8,0/64,0/512"
#define SIZES_NONE_NONE ""

#define MEASURED(NAME, name_, key, value, must, since, props) {			\
	.name = #name_, .type = BPFMAP_TYPE_##NAME, .flags = (must),		\
	.ops = (props) & BPFMAP_T_BY_VALUE ? OPS_BLOOM : OPS_##key##_##value,	\
	.keys = KEYS_##key == KEYS_SHORT ? KEYS_BYTES : KEYS_##key,		\
	.percpu = VALUES_##value == VALUES_PERCPU,				\
	.by_value = (props) & BPFMAP_T_BY_VALUE,				\
	.maps = VALUES_##value == VALUES_MAPS,					\
	.lifo = BPFMAP_TYPE_##NAME == BPFMAP_TYPE_STACK,			\
	/* What all kernels' bpf(2) have, and whose keys find values */		\
	.core = !(since) && KEYS_##key != KEYS_NONE &&				\
		VALUES_##value != VALUES_MAPS,					\
	/* With room, so that nothing is evicted */				\
	.spare = (props) & BPFMAP_T_EVICTS ? 2 : 0,				\
	.max = VALUES_##value == VALUES_MAPS ? FEW : 0,				\
	.sizes = SIZES_##key##_##value,						\
}

const struct map_type map_types[] = {
#define BPFMAP_MAP_TYPE(NAME, name, key, value, cursor, must, may, since, props) \
	MEASURED(NAME, name, key, value, must, since, props),
#include "../../include/linux/bpfmap_types.h"
#undef BPFMAP_MAP_TYPE
	{ .name = "hash_no_prealloc", .type = BPFMAP_TYPE_HASH,
	  .flags = BPFMAP_F_NO_PREALLOC, .ops = OPS_HASH, .keys = KEYS_BYTES,
	  .sizes = HASH_SIZES },
};

const unsigned int nr_map_types = ARRAY_SIZE(map_types);

/* "0-3,8" */
unsigned int possible_cpus(void)
{
	static unsigned int nr;
	char list[256];
	char *s = list;
	FILE *f;

	if (nr)
		return nr;
	f = fopen("/sys/devices/system/cpu/possible", "re");
	if (!f || !fgets(list, sizeof(list), f))
		die("the possible CPUs are not known");
	fclose(f);
	while (*s && *s != '\n') {
		unsigned long last, first = strtoul(s, &s, 10);

		last = *s == '-' ? strtoul(s + 1, &s, 10) : first;
		nr += last - first + 1;
		s += *s == ',';
	}
	return nr;
}

bool job_init(struct job *job, const struct map_type *type,
	      unsigned int key_size, unsigned int value_size)
{
	if (!type->ops || !value_size ||
	    key_size > sizeof(((struct worker *)0)->key))
		return false;
	switch (type->keys) {
	case KEYS_BYTES:
	case KEYS_SHORT:
		if (key_size < 4)
			return false;
		break;
	case KEYS_INDEX:
		key_size = 4;
		break;
	case KEYS_PREFIX:
		if (key_size < 8)
			return false;
		break;
	case KEYS_NONE:
		key_size = 0;
		break;
	}
	job->type = type;
	job->key_size = key_size;
	job->value_size = type->maps ? 4 : value_size;
	job->value_bytes = job->value_size;
	if (type->percpu)
		job->value_bytes = (value_size + 7) / 8 * 8 * possible_cpus();
	return true;
}

int job_create(const struct job *job, const struct side *side,
	       struct target *target)
{
	struct bpfmap_create_attr attr = {
		.map_type = job->type->type,
		.key_size = job->key_size,
		.value_size = job->value_size,
		.max_entries = job->elements * (job->type->spare ?: 1),
		.map_flags = job->type->flags,
		.map_name = "bench",
	};

	if (job->type->maps)
		return target_create_outer(target, side, &attr);
	return target_create(target, side, &attr);
}

/*
 * Odd multiplications and xor with the upper half are bijections on the next
 * power of two; what falls outside goes round again until it is inside.
 */
unsigned int job_order(const struct job *job, unsigned int i)
{
	unsigned int bits = 1;
	uint64_t x = i, mask;

	while (job->elements > 1ULL << bits)
		bits++;
	mask = (1ULL << bits) - 1;
	do {
		x = (x * 0x9E3779B97F4A7C15ULL) & mask;
		x ^= x >> ((bits + 1) / 2);
		x = (x * 0xD6E8FEB86659FD93ULL) & mask;
		x ^= x >> ((bits + 1) / 2);
	} while (x >= job->elements);
	return x;
}

static void fill_bytes(unsigned char *p, unsigned int size, uint64_t word)
{
	unsigned int i;

	for (i = 0; i + 8 <= size; i += 8) {
		memcpy(p + i, &word, 8);
		word += 0x9E3779B97F4A7C15ULL;
	}
	if (i < size)
		memcpy(p + i, &word, size - i);
}

void make_key(const struct job *job, void *key, uint64_t index)
{
	unsigned char *p = key;
	uint32_t word;

	switch (job->type->keys) {
	case KEYS_NONE:
		break;
	case KEYS_PREFIX:
		word = (job->key_size - 4) * 8;
		memcpy(p, &word, 4);
		word = htobe32(index);
		memcpy(p + 4, &word, 4);
		fill_bytes(p + 8, job->key_size - 8, index);
		break;
	default:
		if (job->key_size < 8) {
			fill_bytes(p, job->key_size, index);
			break;
		}
		memcpy(p, &index, 8);
		fill_bytes(p + 8, job->key_size - 8, ~index);
	}
}

int64_t read_key(const struct job *job, const void *key)
{
	unsigned char again[sizeof(((struct worker *)0)->key)];
	uint64_t index = 0;
	uint32_t word;

	if (job->type->keys == KEYS_PREFIX) {
		memcpy(&word, (const unsigned char *)key + 4, 4);
		index = be32toh(word);
	} else {
		memcpy(&index, key, MIN(job->key_size, 8));
	}
	make_key(job, again, index);
	if (index >= job->elements || memcmp(again, key, job->key_size))
		return -1;
	return index;
}

static uint64_t value_word(uint64_t index, unsigned int generation)
{
	return (index + 1) * 0xD6E8FEB86659FD93ULL ^
	       (uint64_t)generation * 0xA0761D6478BD642FULL;
}

void make_value(const struct job *job, void *value, uint64_t index,
		unsigned int generation)
{
	unsigned char *p = value;
	unsigned int slot = job->value_bytes;
	uint64_t word = value_word(index, generation);

	/* Bytes that pad a CPU's value are zero */
	if (job->type->percpu) {
		memset(p, 0, job->value_bytes);
		slot = (job->value_size + 7) / 8 * 8;
	}
	for (; p < (unsigned char *)value + job->value_bytes; p += slot) {
		fill_bytes(p, job->value_size, word);
		word = (word << 1) ^ 0x8EBC6AF09C88C6E3ULL;
	}
}

bool is_value(const struct job *job, const void *value, uint64_t index,
	      unsigned int generation)
{
	const unsigned char *p = value;
	unsigned int i, left, slot = job->value_bytes;
	uint64_t is, diff = 0, word = value_word(index, generation);

	if (job->type->percpu)
		slot = (job->value_size + 7) / 8 * 8;
	for (; p < (unsigned char *)value + job->value_bytes; p += slot) {
		uint64_t next = word;

		for (i = 0; i < job->value_size; i += left) {
			left = MIN(job->value_size - i, 8);
			is = next;
			memcpy(&is, p + i, left);
			diff |= is ^ next;
			next += 0x9E3779B97F4A7C15ULL;
		}
		word = (word << 1) ^ 0x8EBC6AF09C88C6E3ULL;
	}
	return !diff;
}
