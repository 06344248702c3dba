/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VISITORS_H
#define VISITORS_H

#include <linux/ioctl.h>

/* Returns a read-only descriptor of the map: char[16] -> u64 for each CPU */
#define VISITORS_GET_MAP	_IO('v', 0x01)
#define VISITORS_NAME_LEN	16

#endif /* VISITORS_H */
