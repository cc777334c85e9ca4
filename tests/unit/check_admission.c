/* Admission: what waited too long is refused, the least urgent class first; the rest gets a deadline that counts the wait. */
#include "api/admission.h"

#include "suite.h"

static struct conf conf = {
	.read_timeout_ms = 2000,
	.write_timeout_ms = 3000,
	.export_timeout_ms = 60000,
	.queue_timeout_ms = 200,
};

static int admit(enum route_class class, int64_t queued_ms, struct ctx *ctx)
{
	static struct route route;

	route.class = class;
	*ctx = (struct ctx){ .conf = &conf, .route = &route, .queued = queued_ms * US_PER_MS };
	return admission_check(ctx);
}

START_TEST(classes_are_refused_in_order_as_the_queue_ages)
{
	static const struct {
		enum route_class class;
		int64_t worth_ms;
	} rows[] = { { CLASS_EXPORT, 50 }, { CLASS_LIST, 100 }, { CLASS_READ, 150 }, { CLASS_WRITE, 200 } };
	struct ctx ctx;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ck_assert_int_eq(admit(rows[i].class, rows[i].worth_ms, &ctx), 0);
		ck_assert_int_eq(admit(rows[i].class, rows[i].worth_ms + 1, &ctx), -ERR_OVERLOADED);
	}
}
END_TEST

START_TEST(health_is_never_refused_for_its_age)
{
	struct ctx ctx;

	ck_assert_int_eq(admit(CLASS_HEALTH, 50000, &ctx), 0);
}
END_TEST

START_TEST(the_wait_counts_against_the_deadline)
{
	struct ctx fresh, waited;

	ck_assert_int_eq(admit(CLASS_WRITE, 0, &fresh), 0);
	ck_assert_int_eq(admit(CLASS_WRITE, 150, &waited), 0);
	int64_t left = deadline_left(waited.deadline);
	ck_assert_int_le(left, 2850 * US_PER_MS);
	ck_assert_int_gt(left, 1000 * US_PER_MS);
	ck_assert_int_gt(deadline_left(fresh.deadline), left);
}
END_TEST

START_TEST(a_clock_step_is_no_wait)
{
	const int64_t now = 1000 * US_PER_SECOND;
	const struct request early = { .queue_start = now - 5 * US_PER_MS },
			     future = { .queue_start = now + 1 },
			     old = { .queue_start = now - 60 * US_PER_SECOND - 1 },
			     unknown = { .queue_start = 0 };

	ck_assert_int_eq(admission_queued(&early, now), 5 * US_PER_MS);
	ck_assert_int_eq(admission_queued(&future, now), 0);
	ck_assert_int_eq(admission_queued(&old, now), 0);
	ck_assert_int_eq(admission_queued(&unknown, now), 0);
}
END_TEST

START_TEST(a_password_is_taken_by_those_who_hash_and_by_nobody_else)
{
	static const struct field with[] = { { .name = "a" }, { .name = "b", .password = true },
		END_OF_FIELDS };
	static const struct field without[] = { { .name = "a" }, { .name = "b" }, END_OF_FIELDS };
	static const struct input inputs[] = { { .fields = with }, { .fields = without } };

	for (int group = 0; group < GROUP_COUNT; group++)
		for (size_t i = 0; i < ARRAY_SIZE(inputs); i++) {
			const struct route route = { .class = CLASS_WRITE, .input = &inputs[i] };
			struct ctx ctx = { .conf = &conf, .route = &route, .group = (enum group)group };
			bool refused = i == 0 && group != GROUP_LOGIN;
			ck_assert_int_eq(admission_check(&ctx), refused ? -ERR_UNAVAILABLE : 0);
		}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		classes_are_refused_in_order_as_the_queue_ages,
		health_is_never_refused_for_its_age,
		the_wait_counts_against_the_deadline,
		a_clock_step_is_no_wait,
		a_password_is_taken_by_those_who_hash_and_by_nobody_else,
	};

	return suite_run("admission", tests, ARRAY_SIZE(tests));
}
