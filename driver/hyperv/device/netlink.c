/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* Messages and attributes: every length is proven before anything is read. */
#include "netlink.h"

static ULONG fabric_u32_at(const UCHAR *bytes)
{
	ULONG value;

	memcpy(&value, bytes, 4);
	return value;
}

BOOLEAN fabric_message_parse(const UCHAR *bytes, ULONG size, struct fabric_message *message)
{
	memset(message, 0, sizeof(*message));
	if (size < FABRIC_NL_HEAD)
		return FALSE;
	message->size = fabric_u32_at(bytes);
	message->type = bytes[4] | (ULONG)bytes[5] << 8;
	message->flags = bytes[6] | (ULONG)bytes[7] << 8;
	message->sequence = fabric_u32_at(bytes + 8);
	message->pid = fabric_u32_at(bytes + 12);
	message->command = bytes[16];
	if (message->size < FABRIC_NL_HEAD || message->size > size)
		return FALSE;
	message->attributes = bytes + FABRIC_NL_HEAD;
	message->attributes_size = message->size - FABRIC_NL_HEAD;
	return TRUE;
}

BOOLEAN fabric_attributes(const UCHAR *bytes, ULONG size,
			  struct fabric_attribute slots[FABRIC_NL_ATTRIBUTES_MAX])
{
	ULONG at = 0;

	memset(slots, 0, FABRIC_NL_ATTRIBUTES_MAX * sizeof(*slots));
	while (size - at >= 4) {
		ULONG length = bytes[at] | (ULONG)bytes[at + 1] << 8;
		ULONG type = (bytes[at + 2] | (ULONG)bytes[at + 3] << 8) & 0x3fff;

		if (length < 4 || length > size - at)
			return FALSE;
		if (type < FABRIC_NL_ATTRIBUTES_MAX) {
			slots[type].data = bytes + at + 4;
			slots[type].size = length - 4;
		}
		length = (length + 3) & ~3u;
		if (length > size - at)
			return TRUE; /* The last one may lack its padding. */
		at += length;
	}
	return at == size;
}

ULONG fabric_u32_of(const struct fabric_attribute *attribute, ULONG otherwise)
{
	return attribute->data && attribute->size >= 4 ? fabric_u32_at(attribute->data) : otherwise;
}

static VOID fabric_put(struct fabric_writer *writer, const void *data, ULONG size)
{
	ULONG padded = (size + 3) & ~3u;

	if (writer->has_overflown || writer->size - writer->at < padded) {
		writer->has_overflown = TRUE;
		return;
	}
	if (size)
		memcpy(writer->bytes + writer->at, data, size);
	memset(writer->bytes + writer->at + size, 0, padded - size);
	writer->at += padded;
}

static VOID fabric_put_head(struct fabric_writer *writer, ULONG size, ULONG type)
{
	UCHAR head[4] = { (UCHAR)size, (UCHAR)(size >> 8), (UCHAR)type, (UCHAR)(type >> 8) };

	fabric_put(writer, head, 4);
}

ULONG fabric_write_start(struct fabric_writer *writer, ULONG type, ULONG flags, ULONG sequence,
			 ULONG pid, UCHAR command, UCHAR version)
{
	UCHAR head[FABRIC_NL_HEAD] = { 0 };
	ULONG start = writer->at;

	head[4] = (UCHAR)type;
	head[5] = (UCHAR)(type >> 8);
	head[6] = (UCHAR)flags;
	head[7] = (UCHAR)(flags >> 8);
	memcpy(head + 8, &sequence, 4);
	memcpy(head + 12, &pid, 4);
	head[16] = command;
	head[17] = version;
	fabric_put(writer, head, sizeof(head));
	return start;
}

VOID fabric_write_end(struct fabric_writer *writer, ULONG start)
{
	ULONG size = writer->at - start;

	if (!writer->has_overflown)
		memcpy(writer->bytes + start, &size, 4);
}

VOID fabric_write(struct fabric_writer *writer, ULONG type, const void *data, ULONG size)
{
	if (size > 0xffff - 4) {
		writer->has_overflown = TRUE;
		return;
	}
	fabric_put_head(writer, size + 4, type);
	fabric_put(writer, data, size);
}

VOID fabric_write_bytes(struct fabric_writer *writer, const void *data, ULONG size)
{
	fabric_put(writer, data, size);
}

UCHAR *fabric_write_room(struct fabric_writer *writer, ULONG type, ULONG size)
{
	ULONG padded = (size + 3) & ~3u;
	UCHAR *room;

	if (size > 0xffff - 4 || writer->has_overflown || writer->size - writer->at < padded + 4) {
		writer->has_overflown = TRUE;
		return NULL;
	}
	fabric_put_head(writer, size + 4, type);
	room = writer->bytes + writer->at;
	memset(room + size, 0, padded - size);
	writer->at += padded;
	return room;
}

VOID fabric_write_u32(struct fabric_writer *writer, ULONG type, ULONG value)
{
	fabric_write(writer, type, &value, 4);
}

ULONG fabric_write_nest(struct fabric_writer *writer, ULONG type)
{
	ULONG start = writer->at;

	fabric_put_head(writer, 4, type);
	return start;
}

VOID fabric_write_nest_end(struct fabric_writer *writer, ULONG start)
{
	ULONG size = writer->at - start;

	if (size > 0xffff)
		writer->has_overflown = TRUE;
	if (writer->has_overflown)
		return;
	writer->bytes[start] = (UCHAR)size;
	writer->bytes[start + 1] = (UCHAR)(size >> 8);
}

/* An error message quotes the request's head; 0 is an acknowledgement. */
VOID fabric_write_error(struct fabric_writer *writer, const struct fabric_message *request,
			int error)
{
	UCHAR body[36] = { 0 };
	ULONG size = sizeof(body);
	LONG code = -error;

	memcpy(body, &size, 4);
	body[4] = FABRIC_NL_ERROR;
	memcpy(body + 8, &request->sequence, 4);
	memcpy(body + 12, &request->pid, 4);
	memcpy(body + 16, &code, 4);
	memcpy(body + 20, &request->size, 4);
	body[24] = (UCHAR)request->type;
	body[25] = (UCHAR)(request->type >> 8);
	body[26] = (UCHAR)request->flags;
	body[27] = (UCHAR)(request->flags >> 8);
	memcpy(body + 28, &request->sequence, 4);
	memcpy(body + 32, &request->pid, 4);
	fabric_put(writer, body, sizeof(body));
}
