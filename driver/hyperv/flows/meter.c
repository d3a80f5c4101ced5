/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * Meters of bands that drop, as messages and for packets. meters.lock is taken after extension.lock
 * and nothing is taken under it.
 */
#include "../device/netlink.h"
#include "../../core/fabric_meter.h"

enum { METER_FEATURES = 1, METER_SET, METER_DELETE, METER_GET };
enum {
	METER_ID = 1, METER_KBPS, METER_STATS, METER_BANDS, METER_USED, METER_CLEAR, METER_MAX,
	METER_BANDS_MAX
};
enum { BAND_TYPE = 1, BAND_RATE, BAND_BURST, BAND_STATS };
enum { BAND_DROP = 1 };

static ULONG64 fabric_milliseconds(VOID)
{
	return KeQueryInterruptTime() / 10000;
}

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
	struct fabric_switch_meter *found;
	LOCK_STATE_EX state;
	int exceeded = -1;

	NdisAcquireRWLockWrite(meters->lock, &state, 0);
	found = fabric_meter_find(meters, id);
	if (found)
		exceeded = fabric_charge(&found->meter, bytes, fabric_milliseconds());
	if (exceeded >= 0) {
		found->meter.bands[exceeded].packets++;
		found->meter.bands[exceeded].bytes += bytes;
	}
	NdisReleaseRWLock(meters->lock, &state);
	return exceeded < 0;
}

/* Fills 'band' from one of the message; 0 or an error number. */
static int fabric_band_parse(const UCHAR *bytes, ULONG size, struct fabric_band *band)
{
	struct fabric_attribute a[FABRIC_NL_ATTRIBUTES_MAX];
	ULONG burst;

	if (!fabric_attributes(bytes, size, a))
		return FABRIC_EINVAL;
	if (fabric_u32_of(&a[BAND_TYPE], 0) != BAND_DROP)
		return FABRIC_ENOTSUPP;
	band->rate = fabric_u32_of(&a[BAND_RATE], 0);
	burst = fabric_u32_of(&a[BAND_BURST], 0);
	/* Kilobits or packets, in bits or thousandths of a packet: a thousand of either. */
	band->size = (fabric_u64)(burst ? burst : band->rate) * 1000;
	band->tokens = band->size;
	return band->rate ? 0 : FABRIC_EINVAL;
}

/* The bands are one behind the other, whatever number each has as an attribute. */
static int fabric_bands_parse(const struct fabric_attribute *bands, struct fabric_meter *meter)
{
	ULONG at, size, padded;
	int error;

	if (!bands->data || bands->size < 4)
		return FABRIC_EINVAL;
	for (at = 0; at + 4 <= bands->size; at += padded) {
		size = bands->data[at] | (ULONG)bands->data[at + 1] << 8;
		padded = (size + 3) & ~3u;
		if (size < 4 || size > bands->size - at)
			return FABRIC_EINVAL;
		if (meter->count == FABRIC_BANDS_MAX)
			return FABRIC_ENOTSUPP;
		error = fabric_band_parse(bands->data + at + 4, size - 4,
					  &meter->bands[meter->count]);
		if (error)
			return error;
		meter->count++;
	}
	return 0;
}

static int fabric_meter_set(struct fabric_meters *meters, const struct fabric_attribute *a)
{
	ULONG id = fabric_u32_of(&a[METER_ID], 0), i;
	struct fabric_switch_meter *place = fabric_meter_find(meters, id);
	struct fabric_meter fresh;
	int error;

	memset(&fresh, 0, sizeof(fresh));
	fresh.is_packets = a[METER_KBPS].data == NULL;
	fresh.filled_at = fabric_milliseconds();
	error = a[METER_ID].data ? fabric_bands_parse(&a[METER_BANDS], &fresh) : FABRIC_EINVAL;
	if (error)
		return error;
	for (i = 0; !place && i < FABRIC_METERS_MAX; i++)
		if (!meters->meter[(id + i) % FABRIC_METERS_MAX].is_used)
			place = &meters->meter[(id + i) % FABRIC_METERS_MAX];
	if (!place)
		return FABRIC_ENOSPC;
	place->is_used = TRUE;
	place->id = id;
	place->meter = fresh;
	return 0;
}

static VOID fabric_meter_write(struct fabric_writer *writer,
			       const struct fabric_switch_meter *place,
			       const struct fabric_message *request)
{
	const struct fabric_meter *meter = &place->meter;
	ULONG start = fabric_write_start(writer, FABRIC_FAMILY_METER, 0, request->sequence,
					 request->pid, request->command, 1);
	ULONG64 all[2] = { meter->packets, meter->bytes }, used = meter->filled_at;
	ULONG bands, band, i;

	fabric_write_u32(writer, METER_ID, place->id);
	if (!meter->is_packets)
		fabric_write(writer, METER_KBPS, NULL, 0);
	fabric_write(writer, METER_STATS, all, sizeof(all));
	bands = fabric_write_nest(writer, METER_BANDS);
	for (i = 0; i < meter->count; i++) {
		const struct fabric_band *at = &meter->bands[i];
		ULONG64 dropped[2] = { at->packets, at->bytes };

		band = fabric_write_nest(writer, i);
		fabric_write_u32(writer, BAND_TYPE, BAND_DROP);
		fabric_write_u32(writer, BAND_RATE, at->rate);
		fabric_write_u32(writer, BAND_BURST, (ULONG)(at->size / 1000));
		fabric_write(writer, BAND_STATS, dropped, sizeof(dropped));
		fabric_write_nest_end(writer, band);
	}
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
	fabric_write_u32(writer, METER_BANDS_MAX, FABRIC_BANDS_MAX);
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
