/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* What the two halves of the double share: memory that can fail, and rules that were broken. */
#ifndef FABRIC_DOUBLE_RULES_H
#define FABRIC_DOUBLE_RULES_H

#include "ndis_double.h"

#include <pthread.h>

extern pthread_mutex_t double_guard;

void double_complain(const char *what);
void double_broken(const char *what); /* The same, with the guard. */
void double_need_passive(const char *what);
int double_fails(void); /* Whether this allocation is the one that must. */
void *double_get(size_t size);
void double_put(void *memory);

#endif
