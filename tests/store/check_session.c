/* Logins in the table that is the truth about them: in force, rotated, reused, expired, ended. */
#include <string.h>

#include "base/base.h"
#include "base/err.h"
#include "base/hex.h"
#include "crypto/random.h"
#include "database.h"

#define MINUTE (60 * US_PER_SECOND)
#define DAY    (24 * 60 * MINUTE)

static struct token_pair pair_of(int64_t now)
{
	struct token_pair t = { .access_expires_at = now + 15 * MINUTE, .refresh_expires_at = now + 7 * DAY };

	random_bytes(t.access_hash, sizeof t.access_hash);
	random_bytes(t.refresh_hash, sizeof t.refresh_hash);
	return t;
}

static struct ended log_in(struct db *db, const struct farm *f, const struct token_pair *tokens)
{
	struct ended ended;

	ck_assert_ok(store_session_insert(db, &memory, &f->who, tokens, f->now, &ended));
	return ended;
}

static const char *opened(struct db *db, const uint8_t access_hash[SHA256_SIZE], int64_t now)
{
	struct session s;

	return err_name(store_session_get(db, access_hash, now, &s));
}

static const char *rotated(
	struct db *db, const uint8_t refresh_hash[SHA256_SIZE], const struct token_pair *next, int64_t now)
{
	uint8_t old[SHA256_SIZE];

	return err_name(store_session_rotate(db, refresh_hash, next, now, old));
}

START_TEST(an_access_token_says_who_it_is)
{
	const struct farm f = farm_new();
	struct db *db = app_open();
	struct session s;

	ck_assert_ok(store_session_get(db, f.access_hash, f.now, &s));
	ck_assert(uuid_equal(s.id, f.session_id));
	ck_assert(uuid_equal(s.user_id, f.user_id));
	ck_assert(uuid_equal(s.organization_id, f.organization_id));
	ck_assert_int_eq(s.role, ROLE_PRODUCER);
	ck_assert(s.approved);
	ck_assert_int_gt(s.expires_at, f.now + 14 * MINUTE);
	run(owner, "UPDATE organization SET approved = false WHERE id = '%s'", uuid_text(f.organization_id));
	ck_assert_ok(store_session_get(db, f.access_hash, f.now, &s));
	ck_assert(!s.approved);
	run(owner, "UPDATE app_user SET role = 'BUYER' WHERE id = '%s'", uuid_text(f.user_id));
	ck_assert_ok(store_session_get(db, f.access_hash, f.now, &s));
	ck_assert_int_eq(s.role, ROLE_BUYER);
	db_free(db);
}
END_TEST

START_TEST(an_administrator_has_no_organization)
{
	const struct farm f = farm_new();
	struct db *db = app_open();
	struct session s;

	run(owner, "UPDATE app_user SET role = 'ADMIN', organization_id = NULL WHERE id = '%s'",
		uuid_text(f.user_id));
	ck_assert_ok(store_session_get(db, f.access_hash, f.now, &s));
	ck_assert_int_eq(s.role, ROLE_ADMIN);
	ck_assert(uuid_is_nil(s.organization_id));
	ck_assert(!s.approved);
	db_free(db);
}
END_TEST

START_TEST(a_new_login_opens_at_once)
{
	const struct farm f = farm_new();
	struct db *db = app_open();
	const struct token_pair t = pair_of(f.now);

	log_in(db, &f, &t);
	ck_assert_str_eq(opened(db, t.access_hash, f.now), "NONE");
	ck_assert_str_eq(opened(db, f.access_hash, f.now), "NONE"); /* the other login goes on */
	ck_assert_str_eq(
		opened(db, t.refresh_hash, f.now), "UNAUTHENTICATED"); /* each token has its own use */
	db_free(db);
}
END_TEST

/* `count` logins of the farm's user, all older than that which is there. */
static void older_logins(const struct farm *f, int count)
{
	run(owner,
		"INSERT INTO session (id, user_id, access_hash, access_expires_at, refresh_hash, "
		"refresh_expires_at, created_at, refreshed_at)"
		" SELECT (overlay(md5(id || 'id' || i) PLACING lpad(to_hex(i), 12, '0') FROM 1))::uuid, id,"
		" sha256(convert_to(id || 'access' || i, 'UTF8')), now() + '15 min',"
		" sha256(convert_to(id || 'refresh' || i, 'UTF8')), now() + '7 days', now(), now()"
		" FROM app_user, generate_series(1, %d) i WHERE id = '%s'",
		count, uuid_text(f->user_id));
}

static int64_t in_force(const struct farm *f)
{
	return number(owner, "SELECT count(*) FROM session WHERE user_id = '%s' AND revoked_at IS NULL",
		uuid_text(f->user_id));
}

/* The hash of the oldest login's access token. */
static const char *oldest(const struct farm *f)
{
	return text(owner,
		"SELECT encode(access_hash, 'hex') FROM session WHERE user_id = '%s' AND revoked_at IS NULL "
		"ORDER BY id LIMIT 1",
		uuid_text(f->user_id));
}

START_TEST(beyond_so_many_the_oldest_login_ends)
{
	const struct farm f = farm_new(), other = farm_new();
	struct db *db = app_open();
	const struct token_pair t = pair_of(f.now), next = pair_of(f.now);
	char hex[HEX_SIZE(SHA256_SIZE)];

	older_logins(&f, SESSIONS_MAX - 2);
	ck_assert_uint_eq(log_in(db, &f, &t).count, 0);
	ck_assert_int_eq(in_force(&f), SESSIONS_MAX);
	const char *last = oldest(&f);
	struct ended ended = log_in(db, &f, &next);
	ck_assert_uint_eq(ended.count, 1);
	hex_encode(ended.access_hashes, SHA256_SIZE, hex);
	ck_assert_str_eq(hex, last);
	ck_assert_int_eq(in_force(&f), SESSIONS_MAX);
	ck_assert_str_eq(opened(db, ended.access_hashes, f.now), "UNAUTHENTICATED");
	ck_assert_str_eq(opened(db, next.access_hash, f.now), "NONE");
	ck_assert_str_eq(opened(db, f.access_hash, f.now), "NONE");
	ck_assert_str_eq(opened(db, other.access_hash, f.now), "NONE");
	db_free(db);
}
END_TEST

/* From before there was a limit: no login takes long over them, and each leaves fewer. */
START_TEST(far_too_many_end_a_hundred_a_login)
{
	const struct farm f = farm_new();
	struct db *db = app_open();
	const struct token_pair pairs[] = { pair_of(f.now), pair_of(f.now), pair_of(f.now), pair_of(f.now) };

	older_logins(&f, SESSIONS_MAX + 198);
	ck_assert_uint_eq(log_in(db, &f, &pairs[0]).count, 100);
	ck_assert_uint_eq(log_in(db, &f, &pairs[1]).count, 100);
	ck_assert_uint_eq(log_in(db, &f, &pairs[2]).count, 2);
	ck_assert_uint_eq(log_in(db, &f, &pairs[3]).count, 1);
	ck_assert_int_eq(in_force(&f), SESSIONS_MAX);
	db_free(db);
}
END_TEST

START_TEST(a_login_waits_for_no_other_session_of_its_user)
{
	const struct farm f = farm_new();
	struct db *db = app_open();
	const struct token_pair t = pair_of(f.now), next = pair_of(f.now);

	older_logins(&f, SESSIONS_MAX - 1);
	run(owner, "BEGIN");
	run(owner, "SELECT FROM session WHERE access_hash = decode('%s', 'hex') FOR UPDATE", oldest(&f));
	ck_assert_uint_eq(log_in(db, &f, &t).count, 0);
	run(owner, "COMMIT");
	ck_assert_uint_eq(log_in(db, &f, &next).count, 2);
	db_free(db);
}
END_TEST

START_TEST(an_access_token_ends_at_its_microsecond)
{
	const struct farm f = farm_new();
	struct db *db = app_open();
	const struct token_pair t = pair_of(f.now);

	log_in(db, &f, &t);
	ck_assert_str_eq(opened(db, t.access_hash, t.access_expires_at - 1), "NONE");
	ck_assert_str_eq(opened(db, t.access_hash, t.access_expires_at), "UNAUTHENTICATED");
	db_free(db);
}
END_TEST

START_TEST(a_refresh_trades_both_tokens)
{
	const struct farm f = farm_new();
	struct db *db = app_open();
	const struct token_pair next = pair_of(f.now);
	uint8_t old[SHA256_SIZE];

	ck_assert_ok(store_session_rotate(db, f.refresh_hash, &next, f.now, old));
	ck_assert_mem_eq(old, f.access_hash, SHA256_SIZE); /* the copy to forget */
	ck_assert_str_eq(opened(db, f.access_hash, f.now), "UNAUTHENTICATED");
	ck_assert_str_eq(opened(db, next.access_hash, f.now), "NONE");
	const struct token_pair third = pair_of(f.now);
	ck_assert_str_eq(rotated(db, next.refresh_hash, &third, f.now), "NONE");
	ck_assert_str_eq(opened(db, third.access_hash, f.now), "NONE");
	db_free(db);
}
END_TEST

START_TEST(a_refresh_token_used_twice_ends_the_family)
{
	const struct farm f = farm_new();
	struct db *db = app_open();
	const struct token_pair next = pair_of(f.now), stolen = pair_of(f.now), other = pair_of(f.now);
	uint8_t old[SHA256_SIZE];

	log_in(db, &f, &other);
	ck_assert_str_eq(rotated(db, f.refresh_hash, &next, f.now), "NONE");
	ck_assert_err(store_session_rotate(db, f.refresh_hash, &stolen, f.now, old), UNAUTHENTICATED);
	ck_assert_mem_eq(old, next.access_hash, SHA256_SIZE);
	ck_assert_str_eq(opened(db, next.access_hash, f.now), "UNAUTHENTICATED");
	ck_assert_str_eq(opened(db, stolen.access_hash, f.now), "UNAUTHENTICATED");
	ck_assert_str_eq(rotated(db, next.refresh_hash, &stolen, f.now), "UNAUTHENTICATED");
	ck_assert_str_eq(
		opened(db, other.access_hash, f.now), "NONE"); /* another login of theirs is another family */
	db_free(db);
}
END_TEST

START_TEST(an_older_one_of_the_family_ends_it_too)
{
	const struct farm f = farm_new();
	struct db *db = app_open();
	const struct token_pair second = pair_of(f.now), third = pair_of(f.now), stolen = pair_of(f.now);

	ck_assert_str_eq(rotated(db, f.refresh_hash, &second, f.now), "NONE");
	ck_assert_str_eq(rotated(db, second.refresh_hash, &third, f.now), "NONE");
	ck_assert_str_eq(rotated(db, f.refresh_hash, &stolen, f.now), "UNAUTHENTICATED");
	ck_assert_str_eq(opened(db, third.access_hash, f.now), "UNAUTHENTICATED");
	db_free(db);
}
END_TEST

struct race {
	struct farm farm;
	struct token_pair pairs[8];
};

static int rotate_here(int i, void *context)
{
	struct race *race = context;
	struct db *db = app_open();

	return strcmp(rotated(db, race->farm.refresh_hash, &race->pairs[i], race->farm.now), "NONE") == 0;
}

/* Nobody can tell the thief from the owner, so both are out. */
START_TEST(of_many_refreshes_at_once_one_wins_and_the_family_ends)
{
	struct race race = { .farm = farm_new() };
	int won[ARRAY_SIZE(race.pairs)], sum = 0;
	struct db *db = app_open();

	for (size_t i = 0; i < ARRAY_SIZE(race.pairs); i++)
		race.pairs[i] = pair_of(race.farm.now);
	at_once(ARRAY_SIZE(race.pairs), rotate_here, &race, won);
	for (size_t i = 0; i < ARRAY_SIZE(race.pairs); i++) {
		sum += won[i];
		ck_assert_str_eq(opened(db, race.pairs[i].access_hash, race.farm.now), "UNAUTHENTICATED");
	}
	ck_assert_int_eq(sum, 1);
	db_free(db);
}
END_TEST

START_TEST(a_refresh_token_ends_at_its_microsecond)
{
	const struct farm f = farm_new();
	struct db *db = app_open();
	const struct token_pair t = pair_of(f.now), next = pair_of(f.now);

	log_in(db, &f, &t);
	ck_assert_str_eq(rotated(db, t.refresh_hash, &next, t.refresh_expires_at), "UNAUTHENTICATED");
	ck_assert_str_eq(rotated(db, t.refresh_hash, &next, t.refresh_expires_at - 1), "NONE");
	db_free(db);
}
END_TEST

START_TEST(somebody_switched_off_neither_enters_nor_refreshes)
{
	const struct farm f = farm_new();
	struct db *db = app_open();
	const struct token_pair next = pair_of(f.now);

	run(owner, "UPDATE app_user SET active = false WHERE id = '%s'", uuid_text(f.user_id));
	ck_assert_str_eq(opened(db, f.access_hash, f.now), "UNAUTHENTICATED");
	ck_assert_str_eq(rotated(db, f.refresh_hash, &next, f.now), "UNAUTHENTICATED");
	run(owner, "UPDATE app_user SET active = true WHERE id = '%s'", uuid_text(f.user_id));
	ck_assert_str_eq(opened(db, f.access_hash, f.now), "NONE");
	ck_assert_str_eq(rotated(db, f.refresh_hash, &next, f.now), "NONE");
	db_free(db);
}
END_TEST

START_TEST(a_logout_ends_both_tokens_and_may_come_twice)
{
	const struct farm f = farm_new();
	struct db *db = app_open();
	const struct token_pair next = pair_of(f.now);

	ck_assert_ok(store_session_revoke(db, f.access_hash, f.now));
	ck_assert_str_eq(opened(db, f.access_hash, f.now), "UNAUTHENTICATED");
	ck_assert_str_eq(rotated(db, f.refresh_hash, &next, f.now), "UNAUTHENTICATED");
	ck_assert_ok(store_session_revoke(db, f.access_hash, f.now + MINUTE));
	ck_assert_ok(store_session_revoke(db, next.access_hash, f.now));
	/* The first time stands. */
	ck_assert_int_eq(number(owner,
				 "SELECT (extract(epoch FROM revoked_at) * 1000000)::bigint FROM session "
				 "WHERE id = '%s'",
				 uuid_text(f.session_id)),
		f.now);
	db_free(db);
}
END_TEST

START_TEST(an_unknown_refresh_token_forgets_nothing)
{
	static const uint8_t zeros[SHA256_SIZE];
	const struct farm f = farm_new();
	struct db *db = app_open();
	const struct token_pair unknown = pair_of(f.now), next = pair_of(f.now);
	uint8_t old[SHA256_SIZE];

	memset(old, 0xff, sizeof old);
	ck_assert_err(store_session_rotate(db, unknown.refresh_hash, &next, f.now, old), UNAUTHENTICATED);
	ck_assert_mem_eq(old, zeros, sizeof old);
	ck_assert_str_eq(opened(db, f.access_hash, f.now), "NONE");
	db_free(db);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		an_access_token_says_who_it_is,
		an_administrator_has_no_organization,
		a_new_login_opens_at_once,
		beyond_so_many_the_oldest_login_ends,
		far_too_many_end_a_hundred_a_login,
		a_login_waits_for_no_other_session_of_its_user,
		an_access_token_ends_at_its_microsecond,
		a_refresh_trades_both_tokens,
		a_refresh_token_used_twice_ends_the_family,
		an_older_one_of_the_family_ends_it_too,
		of_many_refreshes_at_once_one_wins_and_the_family_ends,
		a_refresh_token_ends_at_its_microsecond,
		somebody_switched_off_neither_enters_nor_refreshes,
		a_logout_ends_both_tokens_and_may_come_twice,
		an_unknown_refresh_token_forgets_nothing,
	};

	return database_suite_run("session", tests, ARRAY_SIZE(tests));
}
