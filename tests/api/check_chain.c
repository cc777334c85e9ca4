/* The chain of a lot's events: whole under a crowd, right by the published formula, and broken by whatever is changed. */
#include <endian.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "expect.h"
#include "world.h"

/* Three events: harvest with everything in it, packaging, transport. */
static struct made_lot make_lot_with_history(void)
{
	struct made_lot lot = make_lot(&producer);

	record(&producer, &lot, "HARVEST", "2026-05-01T10:00:00.25Z",
		TEXT(",'location_id':'%s','temperature_c':'18.50','humidity_pct':'65.0','notes':'Línea "
		     "1\\nLínea 2'",
			lot.origin_id));
	record(&producer, &lot, "PACKAGING", "2026-05-02T10:00:00Z", "");
	record(&producer, &lot, "TRANSPORT_START", "2026-05-03T10:00:00Z",
		",'notes':'\\u0022 \\\\ / \\t \\u00e9'");
	return lot;
}

static const struct reply *verify(const struct made_lot *lot)
{
	return get(&producer, "/v1/lots/%s/verify", lot->id);
}

static const char *event_id(const struct made_lot *lot, int position)
{
	return sql_text("SELECT id FROM event WHERE lot_id = '%s' AND position = %d", lot->id, position);
}

/* --- under a crowd --- */

START_TEST(eight_at_once_make_one_chain_without_a_gap)
{
	enum { CROWD = 8, ROUNDS = 6 };
	const struct made_lot lot = make_lot(&producer);
	const char *path = TEXT("/v1/lots/%s/events", lot.id);
	const struct reply *replies[CROWD];
	bool seen[CROWD * ROUNDS + 1] = { false };
	struct call calls[CROWD];

	for (int i = 0; i < CROWD; i++)
		calls[i] = (struct call){
			.path = path,
			.token = producer.token,
			.body = json("{'kind':'HARVEST','at':'2026-05-01T10:00:0%dZ'}", i),
		};
	for (int round = 0; round < ROUNDS; round++) {
		client_call_at_once(client(), calls, CROWD, replies);
		for (int i = 0; i < CROWD; i++) {
			expect(answered(replies[i], 201));
			int position = (int)cJSON_GetNumberValue(reply_at(replies[i], "/position"));
			ck_assert_int_ge(position, 1);
			ck_assert_int_le(position, CROWD * ROUNDS);
			ck_assert_msg(!seen[position], "position %d twice", position);
			seen[position] = true;
		}
	}
	const struct reply *r = verify(&lot);
	expect(has_bool(r, "/valid", true));
	expect(has_number(r, "/events", CROWD * ROUNDS));
	expect(has_count(get(&producer, "%s?limit=200", path), "/items", CROWD * ROUNDS));
}
END_TEST

START_TEST(events_are_paged_by_position)
{
	const struct made_lot lot = make_lot(&producer);
	const char *cursor = "";

	for (int i = 0; i < 5; i++)
		record(&producer, &lot, "HARVEST", "2026-05-01T10:00:00Z", "");
	for (int page = 0; page < 3; page++) {
		const struct reply *r = get(&producer, "/v1/lots/%s/events?limit=2%s", lot.id, cursor);
		expect(has_count(r, "/items", page < 2 ? 2 : 1));
		expect(has_number(r, "/items/0/position", 2 * page + 1));
		expect(page < 2 ? has_number(r, "/items/1/position", 2 * page + 2)
				: has_null(r, "/next_cursor"));
		cursor = TEXT("&cursor=%s", page < 2 ? reply_text(r, "/next_cursor") : "");
	}
	expect(is_problem(
		get(&producer, "/v1/lots/%s/events?cursor=__________8", lot.id), 400, "bad_cursor"));
	expect(is_problem(get(&producer, "/v1/lots/%s/events?cursor=AAAAAAAAAAAAAAAAAAAAAA", lot.id), 400,
		"bad_cursor"));
}
END_TEST

/* --- by the formula --- */

/* link = SHA-256(previous link || SHA-256(content) || record time, int64 big-endian microseconds). */
static void next_link(unsigned char link[SHA256_DIGEST_LENGTH], const char *content, long recorded_us)
{
	unsigned char text[2 * SHA256_DIGEST_LENGTH + sizeof(uint64_t)];
	uint64_t time = htobe64((uint64_t)recorded_us);

	memcpy(text, link, SHA256_DIGEST_LENGTH);
	SHA256((const unsigned char *)content, strlen(content), text + SHA256_DIGEST_LENGTH);
	memcpy(text + 2 * SHA256_DIGEST_LENGTH, &time, sizeof time);
	SHA256(text, sizeof text, link);
}

START_TEST(every_hash_follows_from_the_stored_text)
{
	const struct made_lot lot = make_lot_with_history();
	const struct reply *events = get(&producer, "/v1/lots/%s/events", lot.id);
	unsigned char link[SHA256_DIGEST_LENGTH];
	char hex[HEX_SIZE(SHA256_DIGEST_LENGTH)];
	struct uuid id;

	ck_assert_int_eq(uuid_parse(lot.id, &id), 0);
	SHA256(id.b, sizeof id.b, link);
	for (int i = 0; i < 3; i++) {
		const char *content =
			sql_text("SELECT content FROM event WHERE id = '%s'", event_id(&lot, i + 1));
		long recorded = sql_number("SELECT (extract(epoch FROM recorded_at) * 1000000)::bigint FROM "
					   "event WHERE id = '%s'",
			event_id(&lot, i + 1));
		next_link(link, content, recorded);
		hex_encode(link, sizeof link, hex);
		expect(has_text(events, TEXT("/items/%d/hash", i), hex));
		ck_assert_str_eq(hex, sql_text("SELECT encode(hash, 'hex') FROM event WHERE id = '%s'",
					      event_id(&lot, i + 1)));
	}
	ck_assert_str_eq(hex, sql_text("SELECT encode(chain_head, 'hex') FROM lot WHERE id = '%s'", lot.id));
}
END_TEST

START_TEST(the_stored_text_is_the_event_and_canonical)
{
	const struct made_lot lot = make_lot_with_history();

	ck_assert_str_eq(sql_text("SELECT content FROM event WHERE id = '%s'", event_id(&lot, 1)),
		json("{'at':'2026-05-01T10:00:00.250000Z','humidity_pct':'65.0','id':'%s','kind':'HARVEST',"
		     "'location_id':'%s','lot_id':'%s','notes':'Línea 1\\nLínea 2','organization_id':'%s',"
		     "'temperature_c':'18.50'}",
			event_id(&lot, 1), lot.origin_id, lot.id, producer.organization));
	ck_assert_str_eq(sql_text("SELECT content FROM event WHERE id = '%s'", event_id(&lot, 2)),
		json("{'at':'2026-05-02T10:00:00Z','id':'%s','kind':'PACKAGING','lot_id':'%s','organization_"
		     "id':'%s'}",
			event_id(&lot, 2), lot.id, producer.organization));
	ck_assert_int_eq(
		sql_number("SELECT count(*) FROM event WHERE lot_id = '%s' AND document = content::jsonb",
			lot.id),
		3);
}
END_TEST

START_TEST(notes_are_kept_byte_for_byte)
{
	static const char *const notes[] = { "first\nsecond\n\nfourth", "tab\there", "\U0001F951\U0001F69A",
		"\u202eright to left\u202c", "\u0645\u0632\u0631\u0639\u0629", "e\u0301 is not \u00e9",
		"\"quoted\" \\ back / slash", "'; DELETE FROM event; --", "  ", "\u2028\u2029\ufeff",
		"\U0010ffff\ufffd" };
	const struct made_lot lot = make_lot(&producer);

	for (size_t i = 0; i < ARRAY_SIZE(notes); i++) {
		cJSON *body = cJSON_Parse("{\"kind\":\"HARVEST\",\"at\":\"2026-05-01T10:00:00Z\"}");
		cJSON_AddStringToObject(body, "notes", notes[i]);
		char *text = cJSON_PrintUnformatted(body);
		const struct reply *r = CALL(.path = TEXT("/v1/lots/%s/events", lot.id),
			.token = producer.token, .body = text);
		cJSON_free(text);
		cJSON_Delete(body);
		expect(answered(r, 201));
		expect(has_text(r, "/notes", notes[i]));
		const struct reply *list = get(&producer, "/v1/lots/%s/events", lot.id);
		expect(has_text(list, TEXT("/items/%zu/notes", i), notes[i]));
	}
	expect(has_bool(verify(&lot), "/valid", true));
}
END_TEST

START_TEST(notes_hold_two_thousand_characters_and_no_other_control)
{
	const struct made_lot lot = make_lot(&producer);
	char longest[3 * 2001 + 1];
	const char *path = TEXT("/v1/lots/%s/events", lot.id);

	for (int i = 0; i < 2001; i++)
		memcpy(longest + 3 * i, "…", 3);
	longest[3 * 2001] = '\0';
	expect(has_only_fault(
		post(&producer, path, "{'kind':'HARVEST','at':'2026-05-01T10:00:00Z','notes':'%s'}", longest),
		"/notes", "too_long"));
	longest[3 * 2000] = '\0';
	expect(answered(
		post(&producer, path, "{'kind':'HARVEST','at':'2026-05-01T10:00:00Z','notes':'%s'}", longest),
		201));
	static const char *const controls[] = { "\\r", "\\u0007", "\\u001b", "\\u007f", "\\u0085",
		"\\u009f" };
	for (size_t i = 0; i < ARRAY_SIZE(controls); i++)
		expect(has_only_fault(
			post(&producer, path, "{'kind':'HARVEST','at':'2026-05-01T10:00:00Z','notes':'%s'}",
				controls[i]),
			"/notes", "bad_character"));
	expect(has_bool(verify(&lot), "/valid", true));
}
END_TEST

/* --- broken by anything --- */

START_TEST(whatever_is_changed_in_an_event_breaks_the_chain_there)
{
	static const char *const changes[] = {
		"content = replace(content, 'PACKAGING', 'PROCESSING')",
		"content = content || ' '",
		"content = '{}'",
		"kind = 'PROCESSING'",
		"at = at + interval '1 microsecond'",
		"recorded_at = recorded_at + interval '1 microsecond'",
		"recorded_at = recorded_at - interval '1 day'",
		"notes = 'added later'",
		"result = 'accepted'",
		"temperature_c = 4.0",
		"humidity_pct = 50",
		"location_id = (SELECT origin_id FROM lot WHERE id = lot_id)",
		"organization_id = (SELECT id FROM organization WHERE name = 'Huerta La Vecina')",
		"id = gen_random_uuid()",
		"hash = sha256('x')",
		/* A thorough forger makes text and columns agree. */
		"kind = 'PROCESSING', content = replace(content, 'PACKAGING', 'PROCESSING')",
	};

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		const struct made_lot lot = make_lot_with_history();
		expect(has_bool(verify(&lot), "/valid", true));
		ck_assert_int_eq(
			sql("UPDATE event SET %s WHERE lot_id = '%s' AND position = 2", changes[i], lot.id),
			1);
		const struct reply *r = verify(&lot);
		expect(has_bool(r, "/valid", false));
		expect(has_number(r, "/events", 3));
		expect(has_members(r, "/first_broken", "event_id position"));
		expect(has_text(r, "/first_broken/event_id", event_id(&lot, 2)));
		expect(has_number(r, "/first_broken/position", 2));
	}
}
END_TEST

START_TEST(a_value_taken_away_breaks_the_chain_there)
{
	static const char *const changes[] = { "notes = NULL", "temperature_c = NULL", "humidity_pct = NULL",
		"location_id = NULL", "temperature_c = 18.5", "notes = 'Línea 1'" };

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		const struct made_lot lot = make_lot_with_history();
		sql("UPDATE event SET %s WHERE lot_id = '%s' AND position = 1", changes[i], lot.id);
		const struct reply *r = verify(&lot);
		expect(has_text(r, "/first_broken/event_id", event_id(&lot, 1)));
		expect(has_number(r, "/first_broken/position", 1));
	}
}
END_TEST

START_TEST(a_missing_event_is_noticed_where_it_was)
{
	for (int position = 1; position <= 3; position++) {
		const struct made_lot lot = make_lot_with_history();
		ck_assert_int_eq(
			sql("DELETE FROM event WHERE lot_id = '%s' AND position = %d", lot.id, position), 1);
		const struct reply *r = verify(&lot);
		expect(has_bool(r, "/valid", false));
		expect(has_number(r, "/events", 2));
		expect(has_null(r, "/first_broken/event_id"));
		expect(has_number(r, "/first_broken/position", position));
	}
}
END_TEST

START_TEST(closing_the_gap_does_not_hide_it)
{
	const struct made_lot lot = make_lot_with_history();

	sql("DELETE FROM event WHERE lot_id = '%s' AND position = 2", lot.id);
	sql("UPDATE event SET position = 2 WHERE lot_id = '%s' AND position = 3", lot.id);
	sql("UPDATE lot SET event_count = 2 WHERE id = '%s'", lot.id);
	const struct reply *r = verify(&lot);
	expect(has_text(r, "/first_broken/event_id", event_id(&lot, 2)));
	expect(has_number(r, "/first_broken/position", 2));
}
END_TEST

START_TEST(cutting_the_end_off_does_not_hide_it)
{
	const struct made_lot lot = make_lot_with_history();

	sql("DELETE FROM event WHERE lot_id = '%s' AND position = 3", lot.id);
	sql("UPDATE lot SET event_count = 2 WHERE id = '%s'", lot.id);
	const struct reply *r = verify(&lot);
	expect(has_bool(r, "/valid", false)); /* the head says otherwise */
	expect(has_number(r, "/first_broken/position", 3));
}
END_TEST

START_TEST(a_count_that_does_not_fit_is_noticed)
{
	const struct made_lot lot = make_lot_with_history();

	sql("UPDATE lot SET event_count = 4 WHERE id = '%s'", lot.id);
	expect(has_null(verify(&lot), "/first_broken/event_id"));
	expect(has_number(verify(&lot), "/first_broken/position", 4));
	sql("UPDATE lot SET event_count = 2 WHERE id = '%s'", lot.id);
	expect(has_text(verify(&lot), "/first_broken/event_id", event_id(&lot, 3)));
	expect(has_number(verify(&lot), "/first_broken/position", 3));
}
END_TEST

START_TEST(an_event_slipped_in_is_noticed)
{
	const struct made_lot lot = make_lot_with_history();

	sql("INSERT INTO event (lot_id, position, id, organization_id, user_id, kind, at, recorded_at, "
	    "content, hash)"
	    " SELECT lot_id, 4, gen_random_uuid(), organization_id, user_id, kind, at, recorded_at, content, "
	    "hash"
	    " FROM event WHERE lot_id = '%s' AND position = 3",
		lot.id);
	const struct reply *r = verify(&lot);
	expect(has_bool(r, "/valid", false));
	expect(has_text(r, "/first_broken/event_id", event_id(&lot, 4)));
	expect(has_number(r, "/first_broken/position", 4));
}
END_TEST

START_TEST(events_of_two_lots_cannot_be_exchanged)
{
	const struct made_lot lot = make_lot_with_history(), other = make_lot_with_history();

	sql("DELETE FROM event WHERE lot_id = '%s' AND position = 2", lot.id);
	sql("UPDATE event SET lot_id = '%s' WHERE lot_id = '%s' AND position = 2", lot.id, other.id);
	expect(has_number(verify(&lot), "/first_broken/position", 2));
	expect(has_null(verify(&other), "/first_broken/event_id"));
}
END_TEST

START_TEST(the_service_itself_cannot_change_an_event)
{
	ck_assert_str_eq(sql_text("SELECT string_agg(privilege_type, ' ' ORDER BY privilege_type)"
				  " FROM information_schema.role_table_grants"
				  " WHERE table_name = 'event' AND grantee = 'agrobridge_app'"),
		"INSERT SELECT");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		eight_at_once_make_one_chain_without_a_gap,
		events_are_paged_by_position,
		every_hash_follows_from_the_stored_text,
		the_stored_text_is_the_event_and_canonical,
		notes_are_kept_byte_for_byte,
		notes_hold_two_thousand_characters_and_no_other_control,
		whatever_is_changed_in_an_event_breaks_the_chain_there,
		a_value_taken_away_breaks_the_chain_there,
		a_missing_event_is_noticed_where_it_was,
		closing_the_gap_does_not_hide_it,
		cutting_the_end_off_does_not_hide_it,
		a_count_that_does_not_fit_is_noticed,
		an_event_slipped_in_is_noticed,
		events_of_two_lots_cannot_be_exchanged,
		the_service_itself_cannot_change_an_event,
	};

	return world_run("chain", tests, ARRAY_SIZE(tests));
}
