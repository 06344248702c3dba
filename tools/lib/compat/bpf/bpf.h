/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Stands in for libbpf's header of this name */
#include <bpfmap_libbpf.h>
