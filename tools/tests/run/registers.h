/* SPDX-License-Identifier: GPL-2.0-only */
/* What registers.c has in assembly */
#ifndef __REGISTERS_H
#define __REGISTERS_H

struct call;

void checked_call(struct call *c);
long go_syscall6(void);

#endif /* __REGISTERS_H */
