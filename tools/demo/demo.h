/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Parts of the demo, and the two ways to a map that it compares
 */
#ifndef BPFMAP_DEMO_H
#define BPFMAP_DEMO_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/bpfmap.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/**
 * struct way - how commands reach a map
 * @name: for people
 * @device: descriptor of /dev/bpfmap, or -1 for bpf(2)
 *
 * The attrs are the same, byte for byte; only the system call differs.
 */
struct way {
	const char *name;
	int device;
};

/* Open /dev/bpfmap; WAYS are bpf(2), then the device */
enum { BPF, DEVICE, WAYS };
extern struct way ways[WAYS];
void ways_open(void);

/* These return what the kernel returned, or a negative errno */
int way_create(const struct way *way, const struct bpfmap_create_attr *attr);
int way_elem(const struct way *way, int cmd, int map, const void *key,
	     void *value, __u64 flags);
int way_batch(const struct way *way, int cmd, int map,
	      struct bpfmap_batch_attr *attr);

/* Say what went wrong and end the program, not successfully */
void __attribute__((noreturn, format(printf, 1, 2))) die(const char *fmt, ...);
/* "-ENOENT"; a short-lived string for an unknown number */
const char *errno_name(int err);
/* Make a map, or die */
int must_create(const struct way *way, const struct bpfmap_create_attr *attr);
/* Run on this CPU only */
void pin_to_cpu(int cpu);
/* The CPUs this process may use, ascending; how many there are, at most @max */
int usable_cpus(int *cpus, int max);
__u64 now_ns(void);

/* The parts; each returns whether all was as it should be */
bool tour(void);
bool words(int nr_files, char **files);
bool costs(void);

#endif /* BPFMAP_DEMO_H */
