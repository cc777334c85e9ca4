/* The people and things of the API's tests. */
#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/random.h"
#include "expect.h"

/* Against hanging alone: some hash a hundred passwords, which is half a minute on a machine with ten other things to do. A request
 * has its own limit. */
enum { TEST_SECONDS = 150 };

struct actor producer, rival, newcomer, packer, exporter, certifier, buyer, admin;

/* --- asking --- */

static struct client *current;

struct client *client(void)
{
	if (!current)
		current = client_new();
	return current;
}

static const char *with_quotes(char *text)
{
	for (char *c = text; *c; c++)
		if (*c == '\'')
			*c = '"';
	return text;
}

static char *print(const char *fmt, va_list args) __attribute__((format(printf, 1, 0)));

static char *print(const char *fmt, va_list args)
{
	char *text, *kept;

	ck_assert_int_ge(vasprintf(&text, fmt, args), 0);
	kept = TEXT("%s", text);
	free(text);
	return kept;
}

const char *json(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	char *text = print(fmt, args);
	va_end(args);
	return with_quotes(text);
}

static const char *token_of(const struct actor *who)
{
	return who ? who->token : NULL;
}

const struct reply *get(const struct actor *who, const char *path_fmt, ...)
{
	va_list args;

	va_start(args, path_fmt);
	const char *path = print(path_fmt, args);
	va_end(args);
	return CALL(.path = path, .token = token_of(who));
}

const struct reply *post(const struct actor *who, const char *path, const char *body_fmt, ...)
{
	va_list args;

	va_start(args, body_fmt);
	char *body = print(body_fmt, args);
	va_end(args);
	return CALL(.path = path, .token = token_of(who), .body = with_quotes(body));
}

const struct reply *post_with_key(
	const struct actor *who, const char *key, const char *path, const char *body_fmt, ...)
{
	va_list args;

	va_start(args, body_fmt);
	char *body = print(body_fmt, args);
	va_end(args);
	return CALL(.path = path, .token = token_of(who), .body = with_quotes(body), .key = key);
}

const char *if_match(long version)
{
	return version == ANY_VERSION ? "If-Match: *" : version ? TEXT("If-Match: \"%ld\"", version) : NULL;
}

const struct reply *patch(const struct actor *who, const char *path, long version, const char *body_fmt, ...)
{
	va_list args;

	va_start(args, body_fmt);
	char *body = print(body_fmt, args);
	va_end(args);
	return CALL(.method = "PATCH", .path = path, .token = token_of(who), .body = with_quotes(body),
		.headers = { if_match(version) });
}

const struct reply *put(const struct actor *who, const char *path, const char *body_fmt, ...)
{
	va_list args;

	va_start(args, body_fmt);
	char *body = print(body_fmt, args);
	va_end(args);
	return CALL(.method = "PUT", .path = path, .token = token_of(who), .body = with_quotes(body));
}

const struct reply *take_away(const struct actor *who, const char *path_fmt, ...)
{
	va_list args;

	va_start(args, path_fmt);
	const char *path = print(path_fmt, args);
	va_end(args);
	return CALL(.method = "DELETE", .path = path, .token = token_of(who));
}

/* --- making people --- */

static void new_id(char ret_id[UUID_TEXT_SIZE])
{
	uuid_to_text(random_uuid(), ret_id);
}

void make_organization(const char *name, const char *kind, bool approved, char ret_id[UUID_TEXT_SIZE])
{
	new_id(ret_id);
	sql("INSERT INTO organization (id, name, kind, approved, created_at) VALUES ('%s', '%s', '%s', %s, "
	    "now())",
		ret_id, name, kind, approved ? "true" : "false");
}

static const char founder[] = "founder@people.example";

/* The first user, as an operator makes the first administrator. All others have its password. */
static void make_founder(void)
{
	char command[256];

	snprintf(command, sizeof command,
		"env -u AGROBRIDGE_TEST_URL -u AGROBRIDGE_TEST_OPS_URL -u AGROBRIDGE_TEST_SECRETS"
		" -u AGROBRIDGE_SOURCE -u AGROBRIDGE_BIN"
		" \"$AGROBRIDGE_BIN\" user add %s --role ADMIN >&2",
		founder);
	FILE *program = popen(command, "w");
	ck_assert_ptr_nonnull(program);
	fprintf(program, "%s\n", PASSWORD);
	ck_assert_int_eq(pclose(program), 0);
}

struct actor make_user(const char *role, const char *organization)
{
	struct actor who = { 0 };

	new_id(who.id);
	random_base62(who.name, 12);
	snprintf(who.role, sizeof who.role, "%s", role);
	snprintf(who.organization, sizeof who.organization, "%s", organization);
	snprintf(who.email, sizeof who.email, "%s@people.example", who.name);
	sql("INSERT INTO app_user (id, organization_id, email, name, role, password_hash, created_at)"
	    " SELECT '%s', nullif('%s', '')::uuid, '%s', '%s', '%s', password_hash, now() FROM app_user "
	    "WHERE email = '%s'",
		who.id, organization, who.email, who.name, role, founder);
	return who;
}

void log_in(struct actor *who)
{
	log_in_with(who, PASSWORD);
}

void log_in_with(struct actor *who, const char *password)
{
	const struct reply *r =
		post(NULL, "/v1/auth/login", "{'email':'%s','password':'%s'}", who->email, password);

	expect(answered(r, 200));
	snprintf(who->token, sizeof who->token, "%s", reply_text(r, "/access_token"));
	snprintf(who->refresh, sizeof who->refresh, "%s", reply_text(r, "/refresh_token"));
}

static struct actor make_member(const char *role, const char *organization_name, bool approved)
{
	char organization[UUID_TEXT_SIZE];

	make_organization(organization_name, role, approved, organization);
	struct actor who = make_user(role, organization);
	log_in(&who);
	return who;
}

struct actor make_producer(void)
{
	return make_member("PRODUCER", new_code("Huerta "), true);
}

void grant(const char *lot_id, const struct actor *to, const char *access)
{
	sql("INSERT INTO lot_grant (lot_id, organization_id, access, created_at) VALUES ('%s', '%s', '%s', "
	    "now())",
		lot_id, to->organization, access);
}

/* --- making things --- */

const char *new_code(const char *prefix)
{
	char random[12];

	random_base62(random, sizeof random - 1);
	return TEXT("%s%s", prefix, random);
}

const char *new_gtin(void)
{
	char digits[15] = { 0 };
	int sum = 0;

	random_bytes(digits, 13);
	for (int i = 0; i < 13; i++) {
		digits[i] = (char)('0' + (unsigned char)digits[i] % 10);
		sum += (digits[i] - '0') *
		       (i % 2 ? 1 : 3); /* weights 3, 1, 3, … from the first of fourteen */
	}
	digits[13] = (char)('0' + (10 - sum % 10) % 10);
	return TEXT("%s", digits);
}

static const char *made(const struct reply *r)
{
	expect(answered(r, 201));
	return reply_text(r, "/id");
}

const char *make_product(const struct actor *owner)
{
	return made(post(owner, "/v1/products",
		"{'name':'Aguacate Hass','commodity':'avocado','variety':'Hass','gtin':'%s'}", new_gtin()));
}

const char *make_location(const struct actor *owner)
{
	return made(post(owner, "/v1/locations",
		"{'name':'Rancho El Mirador','kind':'FARM','country':'MX','region':'Michoacán'}"));
}

struct made_lot make_lot(const struct actor *owner)
{
	struct made_lot lot = { .product_id = make_product(owner), .origin_id = make_location(owner) };

	lot.code = new_code("L-");
	const struct reply *r = post(owner, "/v1/lots",
		"{'product_id':'%s','origin_id':'%s','code':'%s','quantity':'1250.50','uom':'KGM','harvested_"
		"on':'2026-05-01'}",
		lot.product_id, lot.origin_id, lot.code);
	lot.id = made(r);
	lot.public_code = reply_text(r, "/public_code");
	lot.gtin = sql_text("SELECT gtin FROM product WHERE id = '%s'", lot.product_id);
	return lot;
}

const struct reply *record(const struct actor *who, const struct made_lot *lot, const char *kind,
	const char *at, const char *more)
{
	const struct reply *r =
		post(who, TEXT("/v1/lots/%s/events", lot->id), "{'kind':'%s','at':'%s'%s}", kind, at, more);

	expect(answered(r, 201));
	return r;
}

/* --- running --- */

static void close_connections(void)
{
	client_free(current);
	current = NULL;
	stores_close();
}

static void make_world(void)
{
	make_founder();
	producer = make_member("PRODUCER", "Huerta El Mirador", true);
	rival = make_member("PRODUCER", "Huerta La Vecina", true);
	newcomer = make_member("PRODUCER", "Huerta Nueva", false);
	packer = make_member("PACKER", "Empaque Central", true);
	exporter = make_member("EXPORTER", "Exportadora del Sur", true);
	certifier = make_member("CERTIFIER", "Sello Verde", true);
	buyer = make_member("BUYER", "Fresh Market", true);
	admin = make_user("ADMIN", "");
	log_in(&admin);
	close_connections(); /* tests run in processes of their own, with connections of their own */
}

int world_run(const char *name, const TTest *const *tests, size_t count)
{
	Suite *suite = suite_create(name);
	TCase *all = tcase_create("all");

	tcase_add_unchecked_fixture(all, make_world, NULL);
	tcase_add_checked_fixture(all, NULL, close_connections);
	tcase_set_timeout(all, TEST_SECONDS);
	for (size_t i = 0; i < count; i++)
		tcase_add_test(all, tests[i]);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
