/* If-Match: nothing that has a version is changed but by who names the one that stands; in every route that changes. */
#include <string.h>

#include "expect.h"
#include "ways.h"

static const struct actor *who_may(const struct way *w)
{
	return strstr(w->who, "PRODUCER") ? &producer : &admin;
}

/* The next PATCH, without If-Match, of a thing of its own; may be made over and over. Starts where *w is NULL. */
static bool next_change(const struct way **w, struct call *c)
{
	const struct things own = things_made(&producer);

	for (*w = *w ? *w + 1 : ways; *w < ways + way_count; (*w)++)
		if ((*w)->method == HTTP_PATCH) {
			*c = way_call(*w, who_may(*w), &own, &own);
			c->headers[0] = NULL;
			return true;
		}
	return false;
}

#define for_each_change(c) for (const struct way *w_ = NULL; next_change(&w_, &(c));)

static const struct reply *make_change(const struct call *c, const char *tags)
{
	struct call call = *c;

	call.headers[0] = tags ? TEXT("If-Match: %s", tags) : NULL;
	return client_call(client(), &call);
}

static const struct reply *read_back(const struct call *c)
{
	return CALL(.path = c->path, .token = c->token);
}

static const char *tag_of(const struct call *c)
{
	return reply_header(read_back(c), "ETag");
}

START_TEST(a_change_names_the_version_it_is_made_for)
{
	struct call c;
	int count = 0;

	for_each_change(c)
	{
		const struct reply *before = read_back(&c);
		expect(has_header(before, "ETag", TEXT("\"%d\"", reply_at(before, "/version")->valueint)));
		expect(is_problem(make_change(&c, NULL), 428, "precondition_required"));
		expect(is_problem(make_change(&c, ""), 428, "precondition_required"));
		expect(same_body(read_back(&c), before));
		count++;
	}
	ck_assert_int_ge(count, 3);
}
END_TEST

START_TEST(another_version_changes_nothing)
{
	struct call c;

	for_each_change(c)
	{
		const struct reply *before = read_back(&c);
		const char *tag = reply_header(before, "ETag"),
			   *bare = TEXT("%.*s", (int)strlen(tag) - 2, tag + 1);
		const char *const others[] = { "\"0\"", "\"999999\"", "\"-1\"", "\"\"", "W/\"999999\"",
			"\"7\", \"8\",\"9\"", bare, TEXT("\"%s", bare), TEXT("%s\"", bare),
			TEXT("\"0%s\"", bare), TEXT("\" %s\"", bare), TEXT("w/%s", tag), TEXT("* , %s", tag),
			"**", "\"*\"", TEXT("\"x\" %s\"", bare) };
		for (size_t i = 0; i < ARRAY_SIZE(others); i++)
			expect(is_problem(make_change(&c, others[i]), 412, "precondition_failed"));
		expect(same_body(read_back(&c), before));
	}
}
END_TEST

/* A weak tag too: whoever was sent a compressed answer has seen the same content (http/response.h). */
START_TEST(this_version_may_be_named_in_any_way)
{
	static const char *const ways_to_say[] = { "%s", "W/%s", "\"x\", %s", "%s, \"x\"",
		"\"a\",\t%s ,\"b\"", "W/\"x\", W/%s" };
	struct call c;

	for_each_change(c)
	{
		for (size_t i = 0; i < ARRAY_SIZE(ways_to_say); i++) {
			const char *tag = tag_of(&c), *hole = strstr(ways_to_say[i], "%s");
			const struct reply *r = make_change(&c, TEXT("%.*s%s%s", (int)(hole - ways_to_say[i]),
									ways_to_say[i], tag, hole + 2));
			expect(answered(r, 200));
			expect(!has_header(r, "ETag", tag)); /* it is another now */
			expect(has_header(r, "ETag", tag_of(&c)));
			expect(is_problem(make_change(&c, tag), 412, "precondition_failed"));
		}
	}
}
END_TEST

START_TEST(a_star_is_any_version)
{
	struct call c;

	for_each_change(c)
	{
		long version = reply_at(read_back(&c), "/version")->valueint;
		expect(has_number(make_change(&c, "*"), "/version", version + 1));
		expect(has_number(make_change(&c, "*"), "/version", version + 2));
	}
}
END_TEST

/* What If-None-Match would mean of a change is not said anywhere: so it says nothing. */
START_TEST(no_other_condition_takes_its_place)
{
	struct call c;

	for_each_change(c)
	{
		c.headers[0] = TEXT("If-None-Match: %s", tag_of(&c));
		c.headers[1] = "If-Unmodified-Since: Sun, 29 Nov 2099 00:00:00 GMT";
		expect(is_problem(client_call(client(), &c), 428, "precondition_required"));
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_change_names_the_version_it_is_made_for,
		another_version_changes_nothing,
		this_version_may_be_named_in_any_way,
		a_star_is_any_version,
		no_other_condition_takes_its_place,
	};

	return world_run("if-match", tests, ARRAY_SIZE(tests));
}
