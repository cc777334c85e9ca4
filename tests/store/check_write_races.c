/* Writes that meet, and writes whose connection is cut anywhere: each is done once or not at all, and every chain holds. */
#include <string.h>

#include "base/base.h"
#include "base/err.h"
#include "recorder.h"
#include "relay.h"

struct race {
	struct farm farm;
	int events; /* each process records */
};

static int record_the_same(int i, void *context)
{
	struct race *race = context;
	const struct writer w = writer_of(&race->farm, "one key", "a");
	struct db *db = app_open();
	struct answer stored;

	(void)i;
	switch (record_event(db, &race->farm, &w, &stored)) {
	case 0:
		return 1;
	case -ERR_REPLAYED:
	case -ERR_IN_PROGRESS:
		return 0;
	default:
		return 63;
	}
}

START_TEST(of_sixteen_with_one_key_one_is_done)
{
	enum { PROCESSES = 16 };
	struct race race = { .farm = farm_new() };
	int done[PROCESSES], sum = 0;

	at_once(PROCESSES, record_the_same, &race, done);
	for (int i = 0; i < PROCESSES; i++)
		sum += done[i];
	ck_assert_int_eq(sum, 1);
	expect_whole_history(&race.farm, 1);
}
END_TEST

static int record_many(int i, void *context)
{
	struct race *race = context;
	struct db *db = app_open();
	struct answer stored;
	int failed = 0;

	for (int n = 0; n < race->events; n++) {
		const struct writer w = writer_of(&race->farm, arena_printf(&memory, "%d-%d", i, n), "a");
		failed += record_event(db, &race->farm, &w, &stored) != 0;
	}
	return failed;
}

START_TEST(events_of_many_on_one_lot_stand_in_one_line)
{
	enum { PROCESSES = 8, EVENTS = 12 };
	struct race race = { .farm = farm_new(), .events = EVENTS };
	int failed[PROCESSES];

	at_once(PROCESSES, record_many, &race, failed);
	for (int i = 0; i < PROCESSES; i++)
		ck_assert_int_eq(failed[i], 0);
	expect_whole_history(&race.farm, PROCESSES * EVENTS);
	ck_assert_int_eq(
		number(owner, "SELECT version FROM lot WHERE id = '%s'", uuid_text(race.farm.lot_id)),
		1 + PROCESSES * EVENTS);
}
END_TEST

/* Cuts the connection before message `let_through` + 1 of one side, then comes again with the same key until it is done, as a
 * client does. True when there was such a message. */
static bool survives_cut(
	const struct farm *f, struct relay *relay, struct db *db, enum relay_side side, int let_through)
{
	const char *key = arena_printf(&memory, "%d-%d", side, let_through);
	const struct writer w = writer_of(f, key, "a");
	int64_t before = events_of(f);
	struct answer stored;
	int cuts = relay->state->cuts;

	begin(db, PATIENT_MS);
	ck_assert_ok(db_connect(db, deadline_in(PATIENT_MS * US_PER_MS), NULL));
	relay_cut(relay, side, let_through);
	int err = record_event(db, f, &w, &stored);
	bool cut = relay->state->cuts > cuts;
	relay->state->let_through = -1;
	/* The server may not have noticed yet that its client is gone: then it says that the key is in use. */
	ck_assert_msg(err == 0 || (cut && (err == -ERR_UNAVAILABLE || err == -ERR_IN_PROGRESS)), "%s: %s",
		key, err_name(err));
	if (!err)
		ck_assert_msg(events_of(f) == before + 1, "%s: acknowledged, but not there", key);
	struct deadline patience = deadline_in(PATIENT_MS * US_PER_MS);
	do {
		begin(db, PATIENT_MS);
		err = record_event(db, f, &w, &stored);
	} while (err == -ERR_IN_PROGRESS && deadline_left(patience));
	ck_assert_msg(err == 0 || err == -ERR_REPLAYED, "%s again: %s", key, err_name(err));
	ck_assert_msg(events_of(f) == before + 1, "%s: recorded %d times", key, (int)(events_of(f) - before));
	return cut;
}

static void survive_cuts(enum relay_side side)
{
	const struct farm f = farm_new();
	struct relay relay;
	relay_start(&relay);
	struct db *db = app_new_at(relay_url(&relay));
	int messages = 0;

	while (survives_cut(&f, &relay, db, side, messages))
		messages++;
	ck_assert_int_gt(messages,
		15); /* of a write: BEGIN, lock, key, session, lot; event, lot, key, COMMIT; two syncs */
	expect_whole_history(&f, messages + 1);
	db_free(db);
	relay_stop(&relay);
}

START_TEST(a_request_cut_between_any_two_messages_is_done_once)
{
	survive_cuts(FROM_CLIENT);
}
END_TEST

START_TEST(an_answer_cut_between_any_two_messages_is_done_once)
{
	survive_cuts(FROM_SERVER);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		of_sixteen_with_one_key_one_is_done,
		events_of_many_on_one_lot_stand_in_one_line,
		a_request_cut_between_any_two_messages_is_done_once,
		an_answer_cut_between_any_two_messages_is_done_once,
	};

	return database_suite_run("write races", tests, ARRAY_SIZE(tests));
}
