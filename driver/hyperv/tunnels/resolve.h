/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* Next hops and the names of physical NICs from the operating system; see resolve.c. */
#ifndef FABRIC_RESOLVE_H
#define FABRIC_RESOLVE_H

/* FALSE: no memory. Stop returns when no answer is under way any more. Both at PASSIVE_LEVEL. */
BOOLEAN fabric_resolve_start(struct fabric_extension *extension);
VOID fabric_resolve_stop(VOID);

#endif
