/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What page.c, page.S and page.lds have of each other */
#ifndef __BPFMAP_RUN_PAGE_PARTS_H
#define __BPFMAP_RUN_PAGE_PARTS_H

#include "../preload/count.h"
#include "page.h"

#define STUBS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
#define DECLARE(i) extern char stub_begin_##i[], stub_exit_##i[];
STUBS(DECLARE)

extern struct counters page_counters;
extern const struct page_header page_header;

#endif /* __BPFMAP_RUN_PAGE_PARTS_H */
