/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EXECS_H
#define EXECS_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Returns a descriptor of the ring buffer of struct execs_event records */
#define EXECS_GET_MAP	_IO('e', 0x01)

enum execs_what { EXECS_EXEC, EXECS_EXIT };

/**
 * struct execs_event - a thread became another program, or ended
 * @time: nanoseconds since boot
 * @what: enum execs_what
 * @pid: thread
 * @lost: events before this one for which there was no room
 * @exit_code: of EXECS_EXIT, as wait(2) gives it
 * @comm: its name
 * @filename: of EXECS_EXEC, NUL-terminated; may be cut
 */
struct execs_event {
	__u64 time;
	__u32 what;
	__u32 pid;
	__u32 lost;
	__u32 exit_code;
	char comm[16];
	char filename[];
};

#endif /* EXECS_H */
