/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * Meters: token buckets with one band that drops. meters.lock is taken after extension.lock and
 * nothing is taken under it. Tokens are bits or packets, times 1000.
 */
#include "../device/netlink.h"

enum { METER_FEATURES = 1, METER_SET, METER_DELETE, METER_GET };
enum {
	METER_ID = 1, METER_KBPS, METER_STATS, METER_BANDS, METER_USED, METER_CLEAR, METER_MAX,
	METER_BANDS_MAX
};
enum { BAND_TYPE = 1, BAND_RATE, BAND_BURST, BAND_STATS };
enum { BAND_DROP = 1 };

static struct fabric_switch_meter *fabric_meter_find(struct fabric_meters *meters, ULONG id)
{
	ULONG i;

	for (i = 0; i < FABRIC_METERS_MAX; i++) {
		struct fabric_switch_meter *meter = &meters->meter[(id + i) % FABRIC_METERS_MAX];

		if (meter->is_used && meter->id == id)
			return meter;
	}
	return NULL;
}

/* FALSE: above its rate. A meter that is not there lets all pass. */
BOOLEAN fabric_meter_pass(struct fabric_extension *extension, ULONG id, ULONG bytes)
{
	struct fabric_meters *meters = extension->meters;
	ULONG64 now = KeQueryInterruptTime(), cost, full;
	struct fabric_switch_meter *meter;
	BOOLEAN is_passed = TRUE;
	LOCK_STATE_EX state;

	NdisAcquireRWLockWrite(meters->lock, &state, 0);
	meter = fabric_meter_find(meters, id);
	if (meter) {
		/* rate x 1000 tokens a second are rate / 10000 in 100 ns. */
		full = (ULONG64)meter->burst * 1000 * (meter->is_kbps ? 1000 : 1);
		cost = meter->is_kbps ? (ULONG64)bytes * 8 * 1000 : 1000;
		meter->tokens += (now - meter->used) * meter->rate * (meter->is_kbps ? 1000 : 1) /
				 10000;
		if (meter->tokens > full)
			meter->tokens = full;
		meter->used = now;
		meter->packets++;
		meter->bytes += bytes;
		is_passed = meter->tokens >= cost;
		if (is_passed) {
			meter->tokens -= cost;
		} else {
			meter->band_packets++;
			meter->band_bytes += bytes;
		}
	}
	NdisReleaseRWLock(meters->lock, &state);
	return is_passed;
}

/* One band that drops, or an error number. */
static int fabric_band_parse(const struct fabric_attribute *bands, ULONG *rate, ULONG *burst)
{
	struct fabric_attribute list[FABRIC_NL_ATTRIBUTES_MAX], a[FABRIC_NL_ATTRIBUTES_MAX];
	ULONG first;

	if (!bands->data || bands->size < 4 ||
	    !fabric_attributes(bands->data, bands->size, list))
		return FABRIC_EINVAL;
	first = bands->data[0] | (ULONG)bands->data[1] << 8;
	if (((first + 3) & ~3u) < bands->size)
		return FABRIC_ENOTSUPP; /* A second one. */
	if (!fabric_attributes(bands->data + 4, first - 4, a))
		return FABRIC_EINVAL;
	if (fabric_u32_of(&a[BAND_TYPE], 0) != BAND_DROP)
		return FABRIC_ENOTSUPP;
	*rate = fabric_u32_of(&a[BAND_RATE], 0);
	*burst = fabric_u32_of(&a[BAND_BURST], 0);
	if (!*burst)
		*burst = *rate;
	return *rate ? 0 : FABRIC_EINVAL;
}

static int fabric_meter_set(struct fabric_meters *meters, const struct fabric_attribute *a)
{
	ULONG id = fabric_u32_of(&a[METER_ID], 0), rate = 0, burst = 0, i;
	struct fabric_switch_meter *meter = fabric_meter_find(meters, id);
	int error = a[METER_ID].data ? fabric_band_parse(&a[METER_BANDS], &rate, &burst)
				     : FABRIC_EINVAL;

	if (error)
		return error;
	for (i = 0; !meter && i < FABRIC_METERS_MAX; i++)
		if (!meters->meter[(id + i) % FABRIC_METERS_MAX].is_used)
			meter = &meters->meter[(id + i) % FABRIC_METERS_MAX];
	if (!meter)
		return FABRIC_ENOSPC;
	memset(meter, 0, sizeof(*meter));
	meter->is_used = TRUE;
	meter->id = id;
	meter->is_kbps = a[METER_KBPS].data != NULL;
	meter->rate = rate;
	meter->burst = burst;
	meter->used = KeQueryInterruptTime();
	meter->tokens = (ULONG64)burst * 1000 * (meter->is_kbps ? 1000 : 1);
	return 0;
}

static VOID fabric_meter_write(struct fabric_writer *writer, const struct fabric_switch_meter *meter,
			       const struct fabric_message *request)
{
	ULONG start = fabric_write_start(writer, FABRIC_FAMILY_METER, 0, request->sequence,
					 request->pid, request->command, 1);
	ULONG64 all[2] = { meter->packets, meter->bytes };
	ULONG64 dropped[2] = { meter->band_packets, meter->band_bytes }, used = meter->used / 10000;
	ULONG bands, band;

	fabric_write_u32(writer, METER_ID, meter->id);
	if (meter->is_kbps)
		fabric_write(writer, METER_KBPS, NULL, 0);
	fabric_write(writer, METER_STATS, all, sizeof(all));
	bands = fabric_write_nest(writer, METER_BANDS);
	band = fabric_write_nest(writer, 0);
	fabric_write_u32(writer, BAND_TYPE, BAND_DROP);
	fabric_write_u32(writer, BAND_RATE, meter->rate);
	fabric_write_u32(writer, BAND_BURST, meter->burst);
	fabric_write(writer, BAND_STATS, dropped, sizeof(dropped));
	fabric_write_nest_end(writer, band);
	fabric_write_nest_end(writer, bands);
	fabric_write(writer, METER_USED, &used, sizeof(used));
	fabric_write_end(writer, start);
}

static VOID fabric_features_write(struct fabric_writer *writer, const struct fabric_message *request)
{
	ULONG start = fabric_write_start(writer, FABRIC_FAMILY_METER, 0, request->sequence,
					 request->pid, request->command, 1);
	ULONG bands, band;

	fabric_write_u32(writer, METER_MAX, FABRIC_METERS_MAX);
	fabric_write_u32(writer, METER_BANDS_MAX, 1);
	bands = fabric_write_nest(writer, METER_BANDS);
	band = fabric_write_nest(writer, 0);
	fabric_write_u32(writer, BAND_TYPE, BAND_DROP);
	fabric_write_nest_end(writer, band);
	fabric_write_nest_end(writer, bands);
	fabric_write_end(writer, start);
}

VOID fabric_meter_request(struct fabric_extension *extension, const struct fabric_message *request,
			  struct fabric_writer *reply)
{
	struct fabric_meters *meters = extension->meters;
	struct fabric_attribute a[FABRIC_NL_ATTRIBUTES_MAX];
	struct fabric_switch_meter *meter = NULL;
	LOCK_STATE_EX state;
	int error = 0;

	if (!fabric_attributes(request->attributes, request->attributes_size, a)) {
		fabric_write_error(reply, request, FABRIC_EINVAL);
		return;
	}
	NdisAcquireRWLockWrite(meters->lock, &state, 0);
	if (request->command == METER_FEATURES) {
		fabric_features_write(reply, request);
	} else if (request->command == METER_SET) {
		error = fabric_meter_set(meters, a);
		fabric_write_error(reply, request, error);
	} else {
		meter = fabric_meter_find(meters, fabric_u32_of(&a[METER_ID], 0));
		error = request->command > METER_GET ? FABRIC_ENOTSUPP : meter ? 0 : FABRIC_ENOENT;
		if (error)
			fabric_write_error(reply, request, error);
		else
			fabric_meter_write(reply, meter, request);
		if (!error && request->command == METER_DELETE)
			memset(meter, 0, sizeof(*meter));
	}
	NdisReleaseRWLock(meters->lock, &state);
}
