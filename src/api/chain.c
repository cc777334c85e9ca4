/* The chain of a lot's events. */
#include "api/chain.h"

#include <endian.h>
#include <string.h>

#include "base/buf.h"
#include "http/json.h"

enum { CONTENT_MAX = 64 << 10 }; /* notes of 2 000 characters at 12 bytes each when escaped are 24 000 */

void chain_start(struct uuid lot_id, uint8_t link[SHA256_SIZE])
{
	sha256(lot_id.b, sizeof lot_id.b, link);
}

void chain_link(const uint8_t previous[SHA256_SIZE], const char *content, int64_t recorded_at,
	uint8_t link[SHA256_SIZE])
{
	uint8_t text[SHA256_SIZE + SHA256_SIZE + sizeof recorded_at];
	uint64_t time = htobe64((uint64_t)recorded_at);

	memcpy(text, previous, SHA256_SIZE);
	sha256(content, strlen(content), text + SHA256_SIZE);
	memcpy(text + SHA256_SIZE + SHA256_SIZE, &time, sizeof time);
	sha256(text, sizeof text, link);
}

static void put_known(struct json_writer *w, const char *name, const char *text)
{
	if (text)
		json_put_string(w, name, text);
}

static void put_content(struct buf *text, const struct event *e)
{
	struct json_writer w;

	json_begin(&w, text);
	json_open(&w, '{');
	json_put_time(&w, "at", e->at);
	put_known(&w, "humidity_pct", e->humidity_pct);
	json_put_uuid(&w, "id", e->id);
	json_put_string(&w, "kind", e->kind);
	if (!uuid_is_nil(e->location_id))
		json_put_uuid(&w, "location_id", e->location_id);
	json_put_uuid(&w, "lot_id", e->lot_id);
	put_known(&w, "notes", e->notes);
	json_put_uuid(&w, "organization_id", e->organization_id);
	put_known(&w, "result", e->result);
	put_known(&w, "temperature_c", e->temperature_c);
	json_close(&w, '}');
}

const char *chain_content(struct arena *arena, const struct event *e)
{
	struct buf text;

	buf_init(&text, arena, CONTENT_MAX);
	put_content(&text, e);
	return text.data;
}

bool chain_verify(struct arena *arena, const struct history *h, struct chain_break *ret_first)
{
	uint8_t link[SHA256_SIZE];
	struct buf text;
	int i;

	buf_init(&text, arena, CONTENT_MAX);
	chain_start(h->lot_id, link);
	for (i = 0; i < h->count; i++) {
		const struct event *e = &h->events[i];
		*ret_first = (struct chain_break){ .position = i + 1 };
		if (e->position != i + 1)
			return false;
		ret_first->event_id = e->id;
		if (i >= h->event_count)
			return false;
		chain_link(link, e->content, e->recorded_at, link);
		buf_clear(&text);
		put_content(&text, e);
		if (memcmp(link, e->hash, sizeof link) != 0 || strcmp(text.data, e->content) != 0)
			return false;
	}
	*ret_first = (struct chain_break){ .position = i + 1 };
	return i == h->event_count && memcmp(link, h->chain_head, sizeof link) == 0;
}
