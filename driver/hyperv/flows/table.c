/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * Megaflows: one hash table for each mask, tried in the order of the list. A mask that is hit
 * clearly more often than the one before it moves one place forward when the table changes.
 */
#include "../extension.h"

#define FABRIC_BUCKETS_MIN 64

VOID fabric_key_mask(struct fabric_flow_key *key, const struct fabric_flow_key *mask)
{
	fabric_u64 *words = (fabric_u64 *)key;
	const fabric_u64 *by = (const fabric_u64 *)mask;
	ULONG i;

	for (i = 0; i < sizeof(*key) / 8; i++)
		words[i] &= by[i];
}

static ULONG fabric_key_hash(const struct fabric_subtable *mask, const struct fabric_flow_key *key)
{
	const fabric_u64 *words = (const fabric_u64 *)key;
	const fabric_u64 *by = (const fabric_u64 *)&mask->mask;
	fabric_u64 hash = 0x9e3779b97f4a7c15ull;
	ULONG i;

	for (i = 0; i < mask->word_count; i++) {
		ULONG word = mask->words[i];

		hash = (hash ^ (words[word] & by[word])) * 0xff51afd7ed558ccdull;
		hash ^= hash >> 32;
	}
	return (ULONG)hash;
}

static BOOLEAN fabric_key_equals(const struct fabric_subtable *mask, const struct fabric_flow_key *key,
				 const struct fabric_flow_key *masked)
{
	const fabric_u64 *a = (const fabric_u64 *)key;
	const fabric_u64 *b = (const fabric_u64 *)masked;
	const fabric_u64 *by = (const fabric_u64 *)&mask->mask;
	ULONG i;

	for (i = 0; i < mask->word_count; i++) {
		ULONG word = mask->words[i];

		if ((a[word] & by[word]) != b[word])
			return FALSE;
	}
	return TRUE;
}

static struct fabric_flow *fabric_mask_find(const struct fabric_subtable *mask,
					    const struct fabric_flow_key *key)
{
	ULONG hash = fabric_key_hash(mask, key);
	struct fabric_flow *flow = mask->buckets[hash & (mask->bucket_count - 1)];

	for (; flow; flow = flow->next)
		if (flow->hash == hash && fabric_key_equals(mask, key, &flow->key))
			return flow;
	return NULL;
}

struct fabric_flow *fabric_table_find(struct fabric_table *table, const struct fabric_flow_key *key)
{
	ULONG i;

	for (i = 0; i < table->mask_count; i++) {
		struct fabric_flow *flow = fabric_mask_find(table->masks[i], key);

		if (flow) {
			InterlockedExchangeAdd64(&table->masks[i]->hits, 1);
			return flow;
		}
	}
	return NULL;
}

static struct fabric_subtable *fabric_table_mask(struct fabric_table *table,
					     const struct fabric_flow_key *mask)
{
	ULONG i;

	for (i = 0; i < table->mask_count; i++)
		if (!memcmp(&table->masks[i]->mask, mask, sizeof(*mask)))
			return table->masks[i];
	return NULL;
}

struct fabric_flow *fabric_table_exact(struct fabric_table *table,
				       const struct fabric_flow_key *key,
				       const struct fabric_flow_key *mask)
{
	struct fabric_subtable *found = fabric_table_mask(table, mask);

	return found ? fabric_mask_find(found, key) : NULL;
}

static VOID fabric_rank(struct fabric_table *table)
{
	ULONG i;

	for (i = 1; i < table->mask_count; i++) {
		struct fabric_subtable *before = table->masks[i - 1], *here = table->masks[i];

		if (here->hits > 2 * before->hits) {
			table->masks[i - 1] = here;
			table->masks[i] = before;
		}
	}
}

/* Twice the buckets. Without memory the chains grow longer instead. */
static VOID fabric_mask_grow(struct fabric_subtable *mask)
{
	ULONG count = mask->bucket_count * 2, i;
	struct fabric_flow **buckets = fabric_allocate(count * (ULONG)sizeof(*buckets));

	if (!buckets)
		return;
	for (i = 0; i < mask->bucket_count; i++) {
		struct fabric_flow *flow = mask->buckets[i];

		while (flow) {
			struct fabric_flow *next = flow->next;

			flow->next = buckets[flow->hash & (count - 1)];
			buckets[flow->hash & (count - 1)] = flow;
			flow = next;
		}
	}
	fabric_free(mask->buckets);
	mask->buckets = buckets;
	mask->bucket_count = count;
}

static struct fabric_subtable *fabric_mask_make(const struct fabric_flow_key *by)
{
	struct fabric_subtable *mask = fabric_allocate(sizeof(*mask));
	const fabric_u64 *words = (const fabric_u64 *)by;
	ULONG i;

	if (!mask)
		return NULL;
	mask->mask = *by;
	mask->bucket_count = FABRIC_BUCKETS_MIN;
	mask->buckets = fabric_allocate(FABRIC_BUCKETS_MIN * (ULONG)sizeof(*mask->buckets));
	if (!mask->buckets) {
		fabric_free(mask);
		return NULL;
	}
	for (i = 0; i < sizeof(*by) / 8; i++)
		if (words[i])
			mask->words[mask->word_count++] = (UCHAR)i;
	return mask;
}

/* The flow belongs to the table when this succeeds. It is masked here. */
NTSTATUS fabric_table_add(struct fabric_table *table, struct fabric_flow *flow,
			  const struct fabric_flow_key *by)
{
	struct fabric_subtable *mask = fabric_table_mask(table, by);
	struct fabric_flow **bucket;

	if (table->flow_count >= FABRIC_FLOWS_MAX)
		return STATUS_INSUFFICIENT_RESOURCES;
	if (!mask) {
		if (table->mask_count == FABRIC_SUBTABLES_MAX)
			return STATUS_INSUFFICIENT_RESOURCES;
		mask = fabric_mask_make(by);
		if (!mask)
			return STATUS_INSUFFICIENT_RESOURCES;
		table->masks[table->mask_count++] = mask;
	}
	fabric_key_mask(&flow->key, by);
	flow->mask = mask;
	flow->hash = fabric_key_hash(mask, &flow->key);
	if (mask->flow_count >= mask->bucket_count)
		fabric_mask_grow(mask);
	bucket = &mask->buckets[flow->hash & (mask->bucket_count - 1)];
	flow->next = *bucket;
	*bucket = flow;
	mask->flow_count++;
	table->flow_count++;
	fabric_rank(table);
	return STATUS_SUCCESS;
}

static VOID fabric_mask_free(struct fabric_subtable *mask)
{
	fabric_free(mask->buckets);
	fabric_free(mask);
}

/* Takes the flow out; the caller frees it. */
VOID fabric_table_remove(struct fabric_table *table, struct fabric_flow *flow)
{
	struct fabric_subtable *mask = flow->mask;
	struct fabric_flow **at = &mask->buckets[flow->hash & (mask->bucket_count - 1)];
	ULONG i;

	while (*at != flow)
		at = &(*at)->next;
	*at = flow->next;
	table->flow_count--;
	if (--mask->flow_count)
		return;
	for (i = 0; table->masks[i] != mask; i++)
		;
	table->mask_count--;
	for (; i < table->mask_count; i++)
		table->masks[i] = table->masks[i + 1];
	fabric_mask_free(mask);
}

VOID fabric_flow_free(struct fabric_flow *flow)
{
	if (!flow)
		return;
	fabric_free(flow->actions);
	fabric_free(flow->blob);
	fabric_free(flow);
}

VOID fabric_table_clear(struct fabric_table *table)
{
	ULONG i, bucket;

	for (i = 0; i < table->mask_count; i++) {
		struct fabric_subtable *mask = table->masks[i];

		for (bucket = 0; bucket < mask->bucket_count; bucket++) {
			struct fabric_flow *flow = mask->buckets[bucket];

			while (flow) {
				struct fabric_flow *next = flow->next;

				fabric_flow_free(flow);
				flow = next;
			}
		}
		fabric_mask_free(mask);
	}
	table->mask_count = 0;
	table->flow_count = 0;
}
