/* Text that was written to break something, in every field that takes text, of every route that has one: it comes back byte for
 * byte wherever it is shown, or is refused at its place. By the table of routes: a new field is tried without a word here. */
#include <stdlib.h>
#include <string.h>

#include "api/routes.h"
#include "base/utf8.h"
#include "expect.h"
#include "ways.h"

static const struct naughty {
	const char *text;
	const char *code; /* why nothing takes it; NULL: whatever its length fits does */
	const char *raw;  /* how it is written in JSON; NULL: as cJSON writes it */
	bool lines;       /* taken after all where a text may have several lines */
} strings[] = {
	/* statements, pages, commands, formats, paths, directories */
	{ .text = "'; DROP TABLE lot; --" },
	{ .text = "1' OR '1'='1' /*" },
	{ .text = "\"; SELECT pg_sleep(9); --" },
	{ .text = "Robert'); DELETE FROM event;" },
	{ .text = "$$;$1 E'\\x41' U&'\\0041'" },
	{ .text = "%' AND name LIKE '%" },
	{ .text = "100%_\\%" },
	{ .text = "<script>alert(1)</script>" },
	{ .text = "\"><img src=x onerror=alert(1)>" },
	{ .text = "javascript:alert('x')" },
	{ .text = "&lt;b&gt; &#x27; &amp;amp;" },
	{ .text = "${jndi:ldap://x/a} {{7*7}} #{7*7}" },
	{ .text = "$(reboot) `id` ; ls | cat && true" },
	{ .text = "%s%n%x%99999d %1$s" },
	{ .text = "../../../etc/passwd" },
	{ .text = "..\\..\\windows\\win.ini" },
	{ .text = "%2e%2e%2f%00 %0d%0aX: y" },
	{ .text = "*)(uid=*))(|(uid=*" },
	{ .text = "=cmd|' /C calc'!A0" },
	{ .text = "http://169.254.169.254/latest/" },
	{ .text = "<!DOCTYPE x [<!ENTITY y SYSTEM \"z\">]>" },
	{ .text = "{\"name\":\"x\",\"role\":\"ADMIN\"}" },
	{ .text = "\",\"role\":\"ADMIN\",\"x\":\"" },
	{ .text = "\\\\\\\" \\u0000 \\ud800" },
	{ .text = "*3\\r\\n$3\\r\\nSET\\r\\n" },
	{ .text = "user:1 EX 1 s:" },

	/* what programs take for something else */
	{ .text = "null" },
	{ .text = "NULL" },
	{ .text = "undefined" },
	{ .text = "true" },
	{ .text = "NaN" },
	{ .text = "-Infinity" },
	{ .text = "0x1F" },
	{ .text = "1e999" },
	{ .text = "00000000-0000-0000-0000-000000000000" },
	{ .text = "__proto__" },
	{ .text = "[object Object]" },
	{ .text = "  blanks at both ends  " },
	{ .text = "-" },

	/* scripts, directions, compositions */
	{ .text = "\u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd" },
	{ .text = "\u202eright to left\u202c \u2066isolate\u2069" },
	{ .text = "\u200b\u200d\u2060\ufeffzero width" },
	{ .text = "a\u200c\u00ad\u034fb" },
	{ .text = "\u00e9 composed" },
	{ .text = "e\u0301 decomposed" },
	{ .text = "\u212b \u00c5 A\u030a \ufb01" }, /* three that NFC makes one, one that NFKC makes two */
	{ .text = "\u1e9e \u00df \u0130 \u0131 I i" },
	{ .text = "Z\u0351\u036b\u0343a\u0328\u0321l\u0335\u0322g\u0340\u0341o\u0358" },
	{ .text = "\U0001F469\u200D\U0001F33E\U0001F951" },
	{ .text = "\U0001F1F2\U0001F1FD\U0001F44D\U0001F3FD\u2764\ufe0f" },
	{ .text = "\u7530\u4e2d\u3055\u3093 \ud55c\uad6d\uc5b4 \u0e44\u0e17\u0e22" },
	{ .text = "\uff07\uff1b \u2018\u2019\u201c\u201d" }, /* what a conversion could make quotes of */
	{ .text = "\u2028line\u2029paragraph" },
	{ .text = "\u00a0\u3000" },
	{ .text = "\ue000\uf8ff\U000F0000" },
	{ .text = "\ufffe\uffff\U0001FFFE\U0010FFFF" },
	{ .text = "\ufffd\u25a1" },
	{ .text = "\u0378 \U0003FFFD" }, /* not assigned */

	/* by escapes */
	{ .text = "\u00e9/\"\\", .raw = "\"\\u00E9\\/\\\"\\\\\"" },
	{ .text = "\U0001F951", .raw = "\"\\uD83E\\udd51\"" },
	{ .text = "\uffff\ufffe", .raw = "\"\\uffff\\uFFFE\"" },
	{ .text = "</script>", .raw = "\"\\u003c\\/script\\u003E\"" },
	{ .raw = "\"x\\u0000y\"", .code = "nul_character" },
	{ .raw = "\"\\u0000\"", .code = "nul_character" },
	{ .raw = "\"\\ud83e\"", .code = "bad_character" },
	{ .raw = "\"\\udd51\\ud83e\"", .code = "bad_character" },
	{ .raw = "\"\\ud83ex\\udd51\"", .code = "bad_character" },

	/* controls */
	{ .text = "a\nb", .code = "bad_character", .lines = true },
	{ .text = "a\tb", .code = "bad_character", .lines = true },
	{ .text = "a\r\nb", .code = "bad_character" },
	{ .text = "a\rSet-Cookie: b", .code = "bad_character" },
	{ .text = "\x1b[2J\x1b]0;x\x07", .code = "bad_character" },
	{ .text = "\b\f\v", .code = "bad_character" },
	{ .text = "x\x7f", .code = "bad_character" },
	{ .text = "x\xc2\x85y", .code = "bad_character" }, /* next line, of C1 */
	{ .text = "\xc2\x9b\x33\x31m", .code = "bad_character" },

	/* nothing much */
	{ .text = "" },
	{ .text = "   " },
};

#define for_each_string(s) for (const struct naughty *s = strings; s < strings + ARRAY_SIZE(strings); s++)

/* --- a body with one text in many of its fields --- */

static const char *as_json(const struct naughty *s)
{
	cJSON *string = s->raw ? NULL : cJSON_CreateString(s->text);
	char *printed = string ? cJSON_PrintUnformatted(string) : NULL;
	const char *kept = TEXT("%s", printed ? printed : s->raw);

	free(printed);
	cJSON_Delete(string);
	return kept;
}

/* The body without a member. */
static const char *without(const char *body, const char *name)
{
	cJSON *object = cJSON_Parse(body);

	cJSON_DeleteItemFromObjectCaseSensitive(object, name);
	char *rest = cJSON_PrintUnformatted(object);
	const char *kept = TEXT("%s", rest);
	free(rest);
	cJSON_Delete(object);
	return kept;
}

/* The body with one more, its value written as it is given: after that cJSON may not be able to read it. */
static const char *with(const char *body, const char *name, const char *value)
{
	return TEXT("{\"%s\":%s%s%s", name, value, strcmp(body, "{}") == 0 ? "" : ",", body + 1);
}

static const char *with_field(const char *body, const char *name, const char *value)
{
	return with(without(body, name), name, value);
}

/* One route that takes text in its body, and who asks it. */
struct field_way {
	const struct way *way;
	const struct route *route;
	const struct actor *who;
	const struct things *things;
};

static const struct route *row_of(const struct way *w)
{
	for (const struct route *r = routes; r < routes + route_count; r++)
		if (r->method == w->method && strcmp(r->path, w->route) == 0)
			return r;
	return NULL;
}

/* A route without a session gets its requests from an address of its own: the limit on failed logins is not what is tried. */
static struct call call_of(const struct field_way *fw)
{
	struct call call = way_call(fw->way, fw->who, fw->things, fw->things);

	if (!fw->way->who) {
		call.token = NULL;
		call.from = "127.0.0.77";
	}
	return call;
}

static const struct reply *send_under_id(struct call call, const char *id)
{
	size_t n = 0;

	while (call.headers[n])
		n++;
	call.headers[n] = TEXT("X-Request-Id: %s", id);
	return client_call(client(), &call);
}

static bool is_secret(const struct field *f)
{
	return f->password || strstr(f->name, "token");
}

/* A secret is nobody's to see. */
static bool is_free_text(const struct field *f)
{
	return f->type == FIELD_TEXT && !f->check && !is_secret(f);
}

static bool is_blank(const char *text)
{
	return !text[strspn(text, " ")];
}

/* What is wrong with it there, NULL for nothing: the field's row says how long and how many lines, the string all else. */
static const char *fault_of(const struct field *f, const struct naughty *s)
{
	if (s->code && !(s->lines && f->multiline))
		return s->code;
	size_t count = utf8_count(s->text, strlen(s->text));
	if (count < (size_t)(f->min ? f->min : 1) || (f->required && is_blank(s->text)))
		return "too_short";
	return count > (size_t)(f->max ? f->max : 200) ? "too_long" : NULL;
}

#define for_each_field(f, fw) for (const struct field *f = (fw)->route->input->fields; f->name; f++)

/* --- where it is shown --- */

static bool shows(const struct route *r, const char *name)
{
	for (const struct member *m = r->output.shape ? r->output.shape->members : NULL; m && m->name; m++)
		if (strcmp(m->name, name) == 0)
			return true;
	return false;
}

/* What is shown of a thing under `at` of a reply holds the text in each field. */
static void expect_shown(const struct field_way *fw, const struct reply *r, const char *at, const char *text)
{
	for_each_field(f, fw) if (is_free_text(f) && shows(fw->route, f->name))
		expect(has_text(r, TEXT("%s/%s", at, f->name), text));
}

/* The item of a list with this id, as a pointer to it. */
static const char *item_of(const struct reply *list, const char *id)
{
	for (int i = 0; reply_at(list, TEXT("/items/%d", i)); i++)
		if (has_text(list, TEXT("/items/%d/id", i), id))
			return TEXT("/items/%d", i);
	ck_abort_msg("%s is not in the list", id);
}

/* By its own address, in the list it belongs to, and in the log of who changed what. */
static void expect_shown_everywhere(
	const struct field_way *fw, const struct call *call, const struct reply *r, const char *text)
{
	const char *id = reply_text(r, "/id"), *location = reply_header(r, "Location");
	const char *path = location ? location : call->path;
	const struct reply *again = get(fw->who, "%s?limit=200", path);

	expect_shown(fw, r, "", text);
	if (answered(again, 400)) /* a thing, which has no pages */
		again = get(fw->who, "%s", path);
	expect(answered(again, 200));
	expect_shown(fw, again, reply_at(again, "/items") ? item_of(again, id) : "", text);
	if (location && strcmp(location, call->path) != 0)
		expect_shown(fw, get(fw->who, "%s?limit=1", call->path), "/items/0", text);
}

static void expect_logged(const struct field_way *fw, const char *request_id, const char *text)
{
	const struct reply *r = get(&admin, "/v1/audit?limit=1");

	expect(has_text(r, "/items/0/request_id", request_id));
	bool has_after = cJSON_IsObject(reply_at(r, "/items/0/after"));
	for_each_field(f, fw) if (is_free_text(f) && strcmp(f->name, "reason") == 0)
		expect(has_text(r, "/items/0/reason", text));
	if (has_after)
		expect_shown(fw, r, "/items/0/after", text);
}

/* --- each text in all free fields of a route at once --- */

static void expect_faults(const struct field_way *fw, const struct naughty *s, const struct reply *r)
{
	int faults = 0;

	for_each_field(f, fw)
	{
		if (!is_free_text(f) || !fault_of(f, s))
			continue;
		expect(has_fault(r, TEXT("/%s", f->name), fault_of(f, s)));
		faults++;
	}
	expect(has_count(r, "/errors", faults));
}

static void try_string(const struct field_way *fw, const struct naughty *s)
{
	struct call call = call_of(fw);
	const char *id = new_code("naughty-");
	bool any = false, refused = false;

	for_each_field(f, fw)
	{
		if (!is_free_text(f))
			continue;
		any = true;
		refused |= fault_of(f, s) != NULL;
		call.body = without(call.body, f->name);
	}
	if (!any)
		return;
	for_each_field(f, fw) if (is_free_text(f)) call.body = with(call.body, f->name, as_json(s));
	const struct reply *r = send_under_id(call, id);
	if (refused) {
		expect_faults(fw, s, r);
	} else if (!fw->way->who) { /* no account and no token is like that */
		expect(is_problem(r, 401, r->status == 401 ? reply_text(r, "/code") : "") ||
			is_problem(r, 429, "too_many_logins"));
	} else {
		expect(answered(r, fw->way->status));
		if (reply_at(r, "/id"))
			expect_shown_everywhere(fw, &call, r, s->text);
		expect_logged(fw, id, s->text);
	}
}

/* A field whose text must be of a kind says no more than whether this is one. */
static void try_checked(const struct field_way *fw, const struct field *f, const struct naughty *s)
{
	struct naughty own = *s;
	struct call call = call_of(fw);

	if (is_secret(f) && s->text) /* of its own: the same text stands in addresses, which are logged */
		own = (struct naughty){ .text = TEXT("secretly %s", s->text) };
	call.body = with_field(call.body, f->name, as_json(&own));
	const struct reply *r = client_call(client(), &call);
	if (r->status == fw->way->status && s->text && shows(fw->route, f->name))
		expect(has_text(r, TEXT("/%s", f->name), s->text));
	else if (r->status != fw->way->status && r->status != 401 && r->status != 429)
		expect(is_problem(r, 422, "invalid") && has_count(r, "/errors", 1) &&
			has_text(r, "/errors/0/pointer", TEXT("/%s", f->name)));
}

/* As many characters as fit, and one more, of one to four bytes each. */
static void try_lengths(const struct field_way *fw, const struct field *f)
{
	static const char *const characters[] = { "a", "\u00f1", "\u20ac", "\U0001F951" };
	size_t max = (size_t)(f->max ? f->max : 200);

	for (size_t i = 0; i < 2 * ARRAY_SIZE(characters); i++) {
		const char *character = characters[i / 2];
		size_t count = max + i % 2, n = strlen(character);
		char *text = TEXT("%*s", (int)(count * n), "");
		for (size_t c = 0; c < count; c++)
			memcpy(text + c * n, character, n);
		struct call call = call_of(fw);
		call.body = with_field(call.body, f->name, TEXT("\"%s\"", text));
		const struct reply *r = client_call(client(), &call);
		if (i % 2)
			expect(has_only_fault(r, TEXT("/%s", f->name), "too_long"));
		else if (fw->way->who)
			expect(answered(r, fw->way->status) &&
				(!shows(fw->route, f->name) || has_text(r, TEXT("/%s", f->name), text)));
		else
			expect(answered(r, 401) || answered(r, 429));
	}
}

/* A password's hash is 30 ms of a core: where one is made each time, every fourth text that could be taken will do. */
static bool is_tried(const struct field_way *fw, const struct naughty *s)
{
	return s->code || !input_takes_password(fw->route->input) || (s - strings) % 4 == 0;
}

/* --- over the whole API --- */

/* Who may ask it of what `producer` owns. */
static const struct actor *who_asks(const struct way *w)
{
	return !w->who || strstr(w->who, "PRODUCER") ? &producer : &admin;
}

static void each_route_with_text(void (*try)(const struct field_way *fw))
{
	const struct things things = things_made(&producer);
	int tried = 0;

	for_each_way(w)
	{
		const struct field_way fw = { w, row_of(w), who_asks(w), &things };
		if (!fw.route || !fw.route->input || fw.route->input->in_query)
			continue;
		try(&fw);
		tried++;
	}
	ck_assert_int_ge(tried, 8);
}

static void try_strings(const struct field_way *fw)
{
	for_each_string(s) if (is_tried(fw, s)) try_string(fw, s);
}

/* In parts, so that each has its time: a login costs what a password's hash does. */
static void try_strings_created(const struct field_way *fw)
{
	if (fw->way->who && fw->way->method == HTTP_POST)
		try_strings(fw);
}

static void try_strings_changed(const struct field_way *fw)
{
	if (fw->way->who && fw->way->method != HTTP_POST)
		try_strings(fw);
}

static void try_strings_of_strangers(const struct field_way *fw)
{
	if (!fw->way->who)
		try_strings(fw);
}

START_TEST(what_is_created_with_any_text_shows_it_byte_for_byte_or_is_refused_at_its_place)
{
	each_route_with_text(try_strings_created);
}
END_TEST

START_TEST(whoever_logs_in_with_any_text_is_told_that_it_is_wrong)
{
	each_route_with_text(try_strings_of_strangers);
}
END_TEST

START_TEST(what_is_changed_to_any_text_shows_it_byte_for_byte_or_is_refused_at_its_place)
{
	each_route_with_text(try_strings_changed);
}
END_TEST

static void try_checked_fields(const struct field_way *fw)
{
	for_each_field(f, fw) if (f->type == FIELD_TEXT && !is_free_text(f))
		for_each_string(s) if (is_tried(fw, s)) try_checked(fw, f, s);
}

START_TEST(a_text_of_a_kind_is_one_or_refused_at_its_place)
{
	each_route_with_text(try_checked_fields);
}
END_TEST

static void try_all_lengths(const struct field_way *fw)
{
	for_each_field(f, fw) if (is_free_text(f)) try_lengths(fw, f);
}

START_TEST(a_text_is_as_long_as_its_field_in_characters)
{
	each_route_with_text(try_all_lengths);
}
END_TEST

START_TEST(every_route_that_takes_text_is_tried)
{
	for (const struct route *r = routes; r < routes + route_count; r++)
		ck_assert_msg(!r->input || r->input->in_query || way_of(r->method, r->path),
			"%s %s: no way to ask it", http_method_name(r->method), r->path);
}
END_TEST

/* --- where anybody sees it --- */

START_TEST(the_public_history_shows_it_as_it_was_written)
{
	for_each_string(s)
	{
		if (s->code || is_blank(s->text))
			continue;
		const char *text = as_json(s), *code = new_code("L-");
		const struct reply *product = CALL(.path = "/v1/products", .token = producer.token,
			.body = TEXT("{\"name\":%s,\"commodity\":\"x\",\"variety\":%s}", text, text));
		expect(answered(product, 201));
		const struct reply *place = CALL(.path = "/v1/locations", .token = producer.token,
			.body = TEXT("{\"name\":%s,\"kind\":\"FARM\",\"region\":%s}", text, text));
		expect(answered(place, 201));
		const struct reply *lot = post(&producer, "/v1/lots",
			"{'product_id':'%s','origin_id':'%s','code':'%s','quantity':1,'uom':'KGM'}",
			reply_text(product, "/id"), reply_text(place, "/id"), code);
		expect(answered(lot, 201));
		const struct reply *r = get(NULL, "/t/%s", reply_text(lot, "/public_code"));
		expect(has_text(r, "/lot/product", s->text));
		expect(has_text(r, "/lot/variety", s->text));
		expect(has_text(r, "/lot/origin", TEXT("%s, %s", s->text, s->text)));
		expect(has_text(r, "/producer/region", s->text));
	}
}
END_TEST

/* --- in an address --- */

static const char *escaped(const char *text)
{
	const char *out = "";

	for (; *text; text++)
		out = TEXT("%s%%%02X", out, (unsigned char)*text);
	return out;
}

START_TEST(a_lot_code_is_looked_for_as_it_is_written)
{
	/* Of set 82; no two may be taken for each other. */
	static const char *const codes[] = { "';--", "'OR'1'='1", "%", "%%", "_", "%27", "a%b", "a_b", "axb",
		"AXB", "..-", "../../x", "<script>", "%s%n%x", "a&b=c", "?q=1", "(x)", "*", "\"", "+", "%2B",
		"a+b", "/", "a/b", ";x=y", "," };
	const char *product = make_product(&producer);
	const char *gtin = sql_text("SELECT gtin FROM product WHERE id = '%s'", product);
	const char *ids[ARRAY_SIZE(codes)];

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		cJSON *code = cJSON_CreateString(codes[i]);
		char *text = cJSON_PrintUnformatted(code);
		const struct reply *r = CALL(.path = "/v1/lots", .token = producer.token,
			.body = with_field(
				json("{'product_id':'%s','quantity':1,'uom':'KGM'}", product), "code", text));
		free(text);
		cJSON_Delete(code);
		expect(answered(r, 201));
		ids[i] = reply_text(r, "/id");
	}
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		const struct reply *r =
			get(&producer, "/v1/lots?product_id=%s&code=%s", product, escaped(codes[i]));
		expect(has_count(r, "/items", 1));
		expect(has_text(r, "/items/0/id", ids[i]));
		r = get(NULL, "/01/%s/10/%s", gtin, escaped(codes[i]));
		expect(has_text(r, "/lot/code", codes[i]));
	}
}
END_TEST

/* nginx itself says so of a path that leads out of its root. */
static void expect_not_there(const struct reply *r)
{
	expect(is_problem(r, 404, "not_found") || is_problem(r, 400, "bad_path") ||
		is_problem(r, 400, "bad_request"));
}

START_TEST(naughty_text_in_an_address_names_nothing)
{
	for_each_string(s)
	{
		if (!s->text || !*s->text)
			continue;
		const char *text = escaped(s->text);
		const struct reply *list = get(&rival, "/v1/lots?code=%s", text); /* who has none */
		expect_not_there(get(&producer, "/v1/lots/%s", text));
		expect_not_there(get(NULL, "/t/%s", text));
		expect_not_there(get(NULL, "/01/04012345123456/10/%s", text));
		expect(has_count(list, "/items", 0) || has_fault(list, "?code", "too_long") ||
			has_fault(list, "?code", "bad_character"));
		expect(is_problem(get(&producer, "/v1/lots?cursor=%s", text), 400, "bad_cursor") ||
			has_only_fault(
				get(&producer, "/v1/lots?cursor=%s", text), "?cursor", "bad_character"));
		expect(has_only_fault(
			get(&producer, "/v1/lots?product_id=%s", text), "?product_id", "bad_format"));
	}
}
END_TEST

/* --- tokens --- */

START_TEST(what_no_token_looks_like_is_asked_of_no_store)
{
	static const char *const tokens[] = { "", "x", "null", "*", "s:*", "../../x", "' OR 1=1",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",   /* 42 */
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", /* 44 */
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",  /* bits left over */
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA+A", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/A",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAAAA AAAAAAAAAAAAAAAAAAAAA",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\u00f1A",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA%A",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\tA" };
	long before = redis_commands();

	for (size_t i = 0; i < ARRAY_SIZE(tokens); i++)
		expect(is_problem(CALL(.path = "/v1/me", .token = tokens[i]), 401, "unauthenticated"));
	ck_assert_int_eq(redis_commands() - before, 1); /* the question itself */
	before = redis_commands();
	expect(is_problem(CALL(.path = "/v1/me", .token = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), 401,
		"unauthenticated"));
	ck_assert_int_gt(redis_commands() - before, 1); /* that could have been one */
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		every_route_that_takes_text_is_tried,
		what_is_created_with_any_text_shows_it_byte_for_byte_or_is_refused_at_its_place,
		whoever_logs_in_with_any_text_is_told_that_it_is_wrong,
		what_is_changed_to_any_text_shows_it_byte_for_byte_or_is_refused_at_its_place,
		a_text_of_a_kind_is_one_or_refused_at_its_place,
		a_text_is_as_long_as_its_field_in_characters,
		the_public_history_shows_it_as_it_was_written,
		a_lot_code_is_looked_for_as_it_is_written,
		naughty_text_in_an_address_names_nothing,
		what_no_token_looks_like_is_asked_of_no_store,
	};

	return world_run("naughty", tests, ARRAY_SIZE(tests));
}
