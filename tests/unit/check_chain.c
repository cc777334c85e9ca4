/* The chain of a lot's events: against links computed elsewhere, and against everything that can be done to a history. */
#include <string.h>

#include "api/chain.h"
#include "base/hex.h"
#include "suite.h"

static struct arena arena;

static void setup(void)
{
	ck_assert_int_eq(arena_init(&arena, ARENA_SIZE), 0);
}

static void teardown(void)
{
	arena_release(&arena);
}

static struct uuid uuid(const char *text)
{
	struct uuid id;

	ck_assert_int_eq(uuid_parse(text, &id), 0);
	return id;
}

#define LOT          "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"
#define ORGANIZATION "0190a1b2-0003-7000-8000-000000000003"

/*
 * Three events and their links as Python's hashlib gives them:
 *
 *   link = sha256(uuid.UUID(LOT).bytes)
 *   link = sha256(link + sha256(content.encode()).digest() + struct.pack('>q', recorded_at))
 */
static const char *const contents[] = {
	"{\"at\":\"2026-05-01T10:00:00Z\",\"humidity_pct\":\"80\",\"id\":\"0190a1b2-0001-7000-8000-"
	"000000000001\","
	"\"kind\":\"HARVEST\",\"location_id\":\"0190a1b2-0002-7000-8000-000000000002\",\"lot_id\":\"" LOT
	"\","
	"\"notes\":\"de la mañana: \\\"buena\\\"\",\"organization_id\":\"" ORGANIZATION
	"\",\"result\":\"accepted\","
	"\"temperature_c\":\"4.50\"}",
	"{\"at\":\"2026-05-02T06:30:00.000001Z\",\"id\":\"0190a1b2-0001-7000-8000-000000000004\",\"kind\":"
	"\"PACKAGING\","
	"\"lot_id\":\"" LOT "\",\"organization_id\":\"" ORGANIZATION "\"}",
	"{\"at\":\"1970-01-01T00:00:00Z\",\"id\":\"0190a1b2-0001-7000-8000-000000000005\",\"kind\":"
	"\"DELIVERY\","
	"\"lot_id\":\"" LOT "\",\"organization_id\":\"" ORGANIZATION "\",\"result\":\"rejected\"}",
};
static const int64_t recorded[] = { 1777629600123456, 1777703400000001, 0x0102030405060708 };
static const char *const links[] = {
	"9c07868a8ff1576ee9e5e0b9b049f0d11bbc94412344fe5fa69b4089eb42a073", /* before the first */
	"8592cb0027e9714b7c5b01a40eeba4fa8a9f257bfd18c9d551a297ee36b9960b",
	"ad265ffb63a47b295771b1af53c84ebd11ce39c51d4c54566437798cc7a21d71",
	"9edca848a1eeca7c87b49f783404252fb79fe5097e79f972f58c237c501388ca",
};
enum { EVENTS = ARRAY_SIZE(contents) };

static const char *hex(const uint8_t link[SHA256_SIZE])
{
	static char text[HEX_SIZE(SHA256_SIZE)];

	hex_encode(link, SHA256_SIZE, text);
	return text;
}

/* The same events as PostgreSQL gives them, with one place free behind them. */
static struct history whole(void)
{
	struct history h = { .lot_id = uuid(LOT), .event_count = EVENTS, .count = EVENTS };
	uint8_t link[SHA256_SIZE];

	h.events = arena_array(&arena, struct event, EVENTS + 1);
	h.events[0] = (struct event){ .id = uuid("0190a1b2-0001-7000-8000-000000000001"),
		.kind = "HARVEST",
		.at = 1777629600000000,
		.location_id = uuid("0190a1b2-0002-7000-8000-000000000002"),
		.temperature_c = "4.50",
		.humidity_pct = "80",
		.result = "accepted",
		.notes = "de la mañana: \"buena\"" };
	h.events[1] = (struct event){ .id = uuid("0190a1b2-0001-7000-8000-000000000004"),
		.kind = "PACKAGING",
		.at = 1777703400000001 };
	h.events[2] = (struct event){ .id = uuid("0190a1b2-0001-7000-8000-000000000005"),
		.kind = "DELIVERY",
		.at = 0,
		.result = "rejected" };
	chain_start(h.lot_id, link);
	for (int i = 0; i < EVENTS; i++) {
		struct event *e = &h.events[i];
		e->lot_id = h.lot_id;
		e->organization_id = uuid(ORGANIZATION);
		e->position = i + 1;
		e->recorded_at = recorded[i];
		e->content = contents[i];
		chain_link(link, e->content, e->recorded_at, link);
		memcpy(e->hash, link, sizeof link);
	}
	memcpy(h.chain_head, link, sizeof link);
	return h;
}

START_TEST(links_are_those_computed_elsewhere)
{
	uint8_t link[SHA256_SIZE];

	chain_start(uuid(LOT), link);
	ck_assert_str_eq(hex(link), links[0]);
	for (int i = 0; i < EVENTS; i++) {
		chain_link(link, contents[i], recorded[i], link);
		ck_assert_str_eq(hex(link), links[i + 1]);
	}
}
END_TEST

START_TEST(an_events_text_has_its_keys_in_order_and_leaves_out_what_is_absent)
{
	const struct history h = whole();

	for (int i = 0; i < EVENTS; i++)
		ck_assert_str_eq(chain_content(&arena, &h.events[i]), contents[i]);
}
END_TEST

START_TEST(the_longest_notes_have_room)
{
	enum { CHARACTERS = 2000, ESCAPED = 6 }; /* "\u0001" */
	struct event e = whole().events[0];
	char *notes = arena_alloc(&arena, CHARACTERS + 1);

	memset(notes, 1, CHARACTERS);
	e.notes = notes;
	const char *content = chain_content(&arena, &e);
	ck_assert_uint_gt(strlen(content), CHARACTERS * ESCAPED);
	ck_assert_int_eq(content[strlen(content) - 1], '}');
}
END_TEST

START_TEST(a_history_left_alone_is_valid)
{
	struct chain_break first;
	struct history h = whole();

	ck_assert(chain_verify(&arena, &h, &first));
	h = (struct history){ .lot_id = uuid(LOT) };
	chain_start(h.lot_id, h.chain_head);
	ck_assert(chain_verify(&arena, &h, &first)); /* nothing has happened yet */
}
END_TEST

static void expect_broken(const struct history *h, int64_t position, const struct event *event)
{
	struct chain_break first;

	ck_assert(!chain_verify(&arena, h, &first));
	ck_assert_int_eq(first.position, position);
	ck_assert(uuid_equal(first.event_id, event ? event->id : (struct uuid){ { 0 } }));
}

/* Whoever changes an event and makes its link anew breaks the next one, or the lot's own last link. */
static void relink(struct history *h, int i)
{
	struct event *e = &h->events[i];
	uint8_t link[SHA256_SIZE];

	chain_start(h->lot_id, link);
	if (i)
		memcpy(link, h->events[i - 1].hash, sizeof link);
	e->content = chain_content(&arena, e);
	chain_link(link, e->content, e->recorded_at, e->hash);
}

START_TEST(a_changed_text_is_found)
{
	struct history h = whole();

	h.events[1].content = contents[2];
	expect_broken(&h, 2, &h.events[1]);
	h = whole();
	h.events[1].content = arena_printf(&arena, "%s ", contents[1]); /* JSON means the same */
	expect_broken(&h, 2, &h.events[1]);
	h = whole();
	h.events[1].kind = "PROCESSING";
	relink(&h, 1);
	expect_broken(&h, 3, &h.events[2]);
	h = whole();
	h.events[2].result = "accepted";
	relink(&h, 2);
	expect_broken(&h, 4, NULL);
}
END_TEST

START_TEST(a_changed_column_is_found_though_the_text_is_as_it_was)
{
	const struct event good = whole().events[0];
	const struct event other = { .id = uuid("0190a1b2-0001-7000-8000-000000000009"),
		.lot_id = uuid(ORGANIZATION),
		.organization_id = uuid(LOT),
		.kind = "PROCESSING",
		.at = good.at + 1,
		.location_id = uuid(LOT),
		.temperature_c = "4.5", /* the same number, not what was recorded */
		.humidity_pct = NULL,
		.result = "rejected",
		.notes = "de la noche" };
#define CHANGED(member)                                                                                      \
	do {                                                                                                 \
		struct history h = whole();                                                                  \
		h.events[0].member = other.member;                                                           \
		expect_broken(&h, 1, &h.events[0]);                                                          \
	} while (0)

	CHANGED(id);
	CHANGED(lot_id);
	CHANGED(organization_id);
	CHANGED(kind);
	CHANGED(at);
	CHANGED(location_id);
	CHANGED(temperature_c);
	CHANGED(humidity_pct);
	CHANGED(result);
	CHANGED(notes);
#undef CHANGED
}
END_TEST

START_TEST(a_changed_record_time_is_found)
{
	struct history h = whole();

	h.events[1].recorded_at++;
	expect_broken(&h, 2, &h.events[1]);
}
END_TEST

START_TEST(a_changed_link_is_found)
{
	struct history h = whole();

	h.events[1].hash[31] ^= 1;
	expect_broken(&h, 2, &h.events[1]);
	h = whole();
	h.chain_head[0] ^= 0x80;
	expect_broken(&h, 4, NULL);
}
END_TEST

START_TEST(swapped_events_are_found)
{
	struct history h = whole();
	const struct event second = h.events[1];

	h.events[1] = h.events[2];
	h.events[2] = second;
	expect_broken(&h, 2, NULL);
	h.events[1].position = 2; /* and numbered as if nothing had been */
	h.events[2].position = 3;
	expect_broken(&h, 2, &h.events[1]);
}
END_TEST

START_TEST(a_removed_event_is_found)
{
	struct history h = whole();

	h.events[1] = h.events[2];
	h.count = 2;
	expect_broken(&h, 2, NULL);
	h.events[1].position = 2; /* and numbered as if it had never been */
	h.event_count = 2;
	expect_broken(&h, 2, &h.events[1]);

	h = whole();
	h.count = 2; /* the last */
	expect_broken(&h, 3, NULL);
	h.event_count = 2;
	expect_broken(&h, 3, NULL);

	h = whole();
	h.events++; /* the first */
	h.count = 2;
	expect_broken(&h, 1, NULL);

	h = whole();
	h.count = 0;
	expect_broken(&h, 1, NULL);
}
END_TEST

START_TEST(an_added_event_is_found)
{
	struct history h = whole();
	struct event *added = &h.events[EVENTS];

	*added = h.events[1];
	added->id = uuid("0190a1b2-0001-7000-8000-00000000000a");
	added->position = EVENTS + 1;
	h.count++;
	relink(&h, EVENTS);
	expect_broken(&h, EVENTS + 1, added);
	h.event_count++;
	expect_broken(&h, EVENTS + 2, NULL); /* the lot's last link is still the old one */
}
END_TEST

START_TEST(another_lots_history_is_found)
{
	struct history h = whole();

	h.lot_id = uuid(ORGANIZATION);
	expect_broken(&h, 1, &h.events[0]);
}
END_TEST

START_TEST(a_long_history_takes_no_more_room_than_its_longest_event)
{
	enum { MANY = 1000 };
	struct history h = { .lot_id = uuid(LOT), .event_count = MANY, .count = MANY };
	struct chain_break first;
	uint8_t link[SHA256_SIZE];

	h.events = arena_array(&arena, struct event, MANY);
	chain_start(h.lot_id, link);
	for (int i = 0; i < MANY; i++) {
		struct event *e = &h.events[i];
		*e = (struct event){ .id = uuid(ORGANIZATION), .kind = "PACKAGING", .position = i + 1 };
		e->content = chain_content(&arena, e);
		chain_link(link, e->content, e->recorded_at, link);
		memcpy(e->hash, link, sizeof link);
	}
	memcpy(h.chain_head, link, sizeof link);
	const size_t used = arena.used;
	ck_assert(chain_verify(&arena, &h, &first));
	ck_assert_uint_le(arena.used - used, 4096);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		links_are_those_computed_elsewhere,
		an_events_text_has_its_keys_in_order_and_leaves_out_what_is_absent,
		the_longest_notes_have_room,
		a_history_left_alone_is_valid,
		a_long_history_takes_no_more_room_than_its_longest_event,
		a_changed_text_is_found,
		a_changed_column_is_found_though_the_text_is_as_it_was,
		a_changed_record_time_is_found,
		a_changed_link_is_found,
		swapped_events_are_found,
		a_removed_event_is_found,
		an_added_event_is_found,
		another_lots_history_is_found,
	};

	return suite_run_with("chain", tests, ARRAY_SIZE(tests), setup, teardown);
}
