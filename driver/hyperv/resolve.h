/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* Next hops from the operating system; see resolve.c. */
#ifndef FABRIC_RESOLVE_H
#define FABRIC_RESOLVE_H

VOID fabric_resolve_start(PDEVICE_OBJECT device);
VOID fabric_resolve_stop(VOID);
VOID fabric_resolve_ask(struct fabric_extension *extension, const UCHAR *remote, BOOLEAN is_ipv6);
VOID fabric_resolve_wait(VOID);

#endif
