/* The pages, the operators' and the API's document: each on its own port only, whole, under a policy that lets it load nothing
 * but its own. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "world.h"

static const struct page_file {
	const char *path, *type, *source;
	bool ops;
} files[] = {
	{ "/", "text/html; charset=utf-8", "page/page.html", true },
	{ "/page.css", "text/css; charset=utf-8", "page/page.css", true },
	{ "/page.js", "text/javascript; charset=utf-8", "page/page.js", true },
	{ "/docs", "text/html; charset=utf-8", "docs/docs.html", false },
	{ "/docs.css", "text/css; charset=utf-8", "docs/docs.css", false },
	{ "/docs.js", "text/javascript; charset=utf-8", "docs/docs.js", false },
};

/* The file a page was made from. */
static const char *source(const char *name)
{
	static char text[1 << 16];
	FILE *file = fopen(TEXT("%s/src/api/%s", getenv("AGROBRIDGE_SOURCE"), name), "re");

	ck_assert_ptr_nonnull(file);
	text[fread(text, 1, sizeof text - 1, file)] = '\0';
	fclose(file);
	return text;
}

START_TEST(each_file_comes_as_it_was_written)
{
	for (const struct page_file *f = files; f < files + ARRAY_SIZE(files); f++) {
		const struct reply *r = CALL(.path = f->path, .ops = f->ops);
		expect(answered(r, 200));
		expect(has_header(r, "Content-Type", f->type));
		expect(has_header(r, "X-Content-Type-Options", "nosniff"));
		ck_assert_str_eq(r->body, source(f->source));
	}
}
END_TEST

START_TEST(head_says_the_same_without_the_file)
{
	for (const struct page_file *f = files; f < files + ARRAY_SIZE(files); f++) {
		const struct reply *r = CALL(.method = "HEAD", .path = f->path, .ops = f->ops);
		expect(answered(r, 200));
		expect(has_header(r, "Content-Type", f->type));
		ck_assert_uint_eq(r->length, 0);
	}
	expect(is_problem(CALL(.method = "POST", .path = "/", .ops = true), 405, "method_not_allowed"));
}
END_TEST

START_TEST(the_browser_asks_again_and_is_spared_what_it_has)
{
	for (const struct page_file *f = files; f < files + ARRAY_SIZE(files); f++) {
		const struct reply *first = CALL(.path = f->path, .ops = f->ops);
		const char *tag = reply_header(first, "ETag");
		expect(has_header(first, "Cache-Control", "no-cache"));
		ck_assert_ptr_nonnull(tag);
		const struct reply *again =
			CALL(.path = f->path, .ops = f->ops, .headers = { TEXT("If-None-Match: %s", tag) });
		expect(answered(again, 304));
		ck_assert_uint_eq(again->length, 0);
		expect(answered(
			CALL(.path = f->path, .ops = f->ops, .headers = { "If-None-Match: \"other\"" }),
			200));
	}
}
END_TEST

START_TEST(the_page_may_load_what_is_its_own_and_nothing_else)
{
	static const char policy[] =
		"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

	expect(has_header(CALL(.path = "/", .ops = true), "Content-Security-Policy", policy));
	expect(has_header(CALL(.path = "/?x", .ops = true), "Content-Security-Policy", policy));
	expect(has_header(CALL(.path = "/docs"), "Content-Security-Policy", policy));
	expect(has_header(CALL(.path = "/docs.js"), "Content-Security-Policy",
		"default-src 'none'; frame-ancestors 'none'"));
	expect(has_header(CALL(.path = "/status", .ops = true), "Content-Security-Policy",
		"default-src 'none'; frame-ancestors 'none'"));
}
END_TEST

START_TEST(neither_port_has_the_others)
{
	for (const struct page_file *f = files; f < files + ARRAY_SIZE(files); f++) {
		const struct reply *r = CALL(.path = f->path, .token = admin.token, .ops = !f->ops);
		expect(is_problem(r, 404, "not_found"));
		expect(has_header(
			r, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"));
	}
}
END_TEST

static int stopped[8], stopped_count;

static void let_run(void)
{
	while (stopped_count)
		kill(stopped[--stopped_count], SIGCONT);
}

START_TEST(the_operators_comes_while_every_main_worker_is_stuck)
{
	const struct reply *status = CALL(.path = "/status", .ops = true);
	const cJSON *worker;

	atexit(let_run); /* the next test has a living pool, even if this one fails */
	cJSON_ArrayForEach(worker, reply_at(status, "/groups/0/workers"))
	{
		int pid = (int)cJSON_GetNumberValue(cJSON_GetObjectItem(worker, "pid"));
		ck_assert_int_eq(kill(pid, SIGSTOP), 0);
		stopped[stopped_count++] = pid;
	}
	ck_assert_int_eq(stopped_count, 4);
	for (const struct page_file *f = files; f < files + ARRAY_SIZE(files); f++)
		expect(!f->ops || answered(CALL(.path = f->path, .ops = true), 200));
	/* Still those: nobody waited until the master had replaced one. */
	expect(has_number(CALL(.path = "/status", .ops = true), "/groups/0/stuck", 4));
	let_run();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		each_file_comes_as_it_was_written,
		head_says_the_same_without_the_file,
		the_browser_asks_again_and_is_spared_what_it_has,
		the_page_may_load_what_is_its_own_and_nothing_else,
		neither_port_has_the_others,
		the_operators_comes_while_every_main_worker_is_stuck,
	};

	return world_run("page", tests, ARRAY_SIZE(tests));
}
