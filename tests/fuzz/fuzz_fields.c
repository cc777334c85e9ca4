/* Bodies and queries against the field tables of the API's own routes. The first line of an input names the row, "POST
 * /v1/lots", the rest is its body or query. What is taken keeps every rule of its table, and comes out the same when it is
 * written as JSON and read again; what is not taken names places. */
#include "api/routes.h"
#include "base/utf8.h"
#include "fuzz.h"
#include "http/decimal.h"

/* The row that the line names, or any that takes something: the same for the same line. */
static const struct route *row_of(const char *line)
{
	const struct route *takers[256];
	size_t count = 0, sum = 0;
	char name[128];

	for (const struct route *r = routes; r < routes + route_count; r++) {
		if (!r->input)
			continue;
		snprintf(name, sizeof name, "%s %s", http_method_name(r->method), r->path);
		if (strcmp(name, line) == 0)
			return r;
		must(count < ARRAY_SIZE(takers));
		takers[count++] = r;
	}
	for (; *line; line++)
		sum += (unsigned char)*line;
	return takers[sum % count];
}

/* --- what is taken keeps the rules --- */

static void text_keeps_its_rules(const struct field *f, const char *text)
{
	size_t n = strlen(text), count = utf8_count(text, n);

	must(utf8_valid(text, n));
	must(count >= (size_t)(f->min ? f->min : 1) && count <= (size_t)(f->max ? f->max : 200));
	for (const unsigned char *c = (const unsigned char *)text; *c; c++)
		must((*c >= 0x20 && *c != 0x7f) || (f->multiline && (*c == '\n' || *c == '\t')));
	for (const char *c = text; (c = strchr(c, '\xc2')); c++)
		must((unsigned char)c[1] >= 0xa0); /* C1 */
	must(!f->check || f->check(text) == ERR_NONE);
}

static void decimal_keeps_its_rules(const struct field *f, struct arena *arena, const char *value)
{
	bool preset = !f->digits && !f->scale;
	const char *again;

	must(decimal_read(arena, value, false, preset ? 11 : f->digits, preset ? 3 : f->scale, &again) ==
		ERR_NONE);
	must(strcmp(again, value) == 0);
	must(!f->positive || decimal_compare(value, "0") > 0);
	must(!f->low || decimal_compare(value, f->low) >= 0);
	must(!f->high || decimal_compare(value, f->high) <= 0);
}

static int choice_count(const struct field *f)
{
	int n = 0;

	while (f->choices[n])
		n++;
	return n;
}

/* Writes the field as a client would; nothing where it is absent. */
static void field_keeps_its_rules(
	const struct field *f, struct arena *arena, const void *at, struct json_writer *w)
{
	const char *text = NULL;
	char date[DATE_TEXT_SIZE];

	switch (f->type) {
	case FIELD_TEXT:
		text = *(const char *const *)at;
		if (text)
			text_keeps_its_rules(f, text);
		break;
	case FIELD_DECIMAL:
		text = *(const char *const *)at;
		if (text)
			decimal_keeps_its_rules(f, arena, text);
		break;
	case FIELD_INTEGER: {
		int64_t value = *(const int64_t *)at;
		must(value == f->preset || (!f->low_integer && !f->high_integer) ||
			(value >= f->low_integer && value <= f->high_integer));
		json_put_integer(w, f->name, value);
		return;
	}
	case FIELD_FLAG:
		must(*(const int *)at >= -1 && *(const int *)at <= 1);
		if (*(const int *)at >= 0)
			json_put_boolean(w, f->name, *(const int *)at);
		return;
	case FIELD_UUID:
		if (!uuid_is_nil(*(const struct uuid *)at))
			json_put_uuid(w, f->name, *(const struct uuid *)at);
		return;
	case FIELD_DATE:
		if (*(const int32_t *)at == NO_DATE)
			return;
		must(*(const int32_t *)at >= 0);
		date_to_text(*(const int32_t *)at, date);
		text = date;
		break;
	case FIELD_TIME:
		if (*(const int64_t *)at == NO_TIME)
			return;
		must(*(const int64_t *)at >= 0);
		json_put_time(w, f->name, *(const int64_t *)at);
		return;
	case FIELD_CHOICE:
		must(*(const int *)at >= -1 && *(const int *)at < choice_count(f));
		text = *(const int *)at < 0 ? NULL : f->choices[*(const int *)at];
		break;
	}
	if (text)
		json_put_string(w, f->name, text);
}

static struct buf written(const struct input *input, struct arena *arena, const char *from)
{
	struct json_writer w;
	struct buf body;

	buf_init(&body, arena, 8 * FUZZ_INPUT_MAX);
	json_begin(&w, &body);
	json_open(&w, '{');
	for (const struct field *f = input->fields; f->name; f++)
		field_keeps_its_rules(f, arena, from + f->offset, &w);
	json_close(&w, '}');
	must(!body.full);
	return body;
}

/* Read again as a body, whether it was one or a query; not as a whole one, because what was absent is not written. */
static void survives_writing(const struct input *input, struct arena *arena, const void *taken)
{
	const struct input as_body = { .fields = input->fields, .size = input->size, .partial = true };
	struct faults faults = { .count = 0 };
	struct buf body = written(input, arena, taken);
	struct request req = {
		.content_type = "application/json", .body = body.data, .body_length = body.len
	};
	void *again;

	must(fields_read(&req, &as_body, arena, &faults, &again) == 0);
	struct buf same = written(input, arena, again);
	must(same.len == body.len && memcmp(same.data, body.data, body.len) == 0);
}

/* --- what is not names its places --- */

static void faults_name_places(const struct faults *faults, const struct input *input)
{
	must(faults->count > 0);
	for (size_t i = 0; i < faults->count; i++) {
		const char *pointer = faults->at[i].pointer;
		must(utf8_valid(pointer, strlen(pointer)));
		must(input->in_query ? *pointer == '?' : !*pointer || *pointer == '/');
		must(err_info((int)faults->at[i].err)->status == 422);
	}
}

static int read_input(
	const struct route *r, struct arena *arena, char *rest, size_t n, struct faults *faults, void **ret)
{
	struct request req = { .method_text = http_method_name(r->method) };

	if (r->input->in_query) {
		req.target = arena_printf(arena, "/?%s", rest);
		int err = request_parse(&req, arena);
		if (err)
			return err;
	} else {
		req.content_type = "application/json; charset=utf-8";
		req.body = rest;
		req.body_length = n;
	}
	return fields_read(&req, r->input, arena, faults, ret);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = fuzz_arena();
	struct faults faults = { .count = 0 }, same = { .count = 0 };
	void *taken = NULL;

	if (size > FUZZ_INPUT_MAX / 8)
		return 0;
	char *rest = fuzz_text(arena, data, size), *end = rest + size;
	const struct route *r = row_of(fuzz_line(&rest));
	size_t n = (size_t)(end - rest);
	int err = read_input(r, arena, rest, n, &faults, &taken);
	must(read_input(r, arena, rest, n, &same, &(void *){ NULL }) == err && same.count == faults.count);
	if (!err)
		survives_writing(r->input, arena, taken);
	else if (err == -ERR_INVALID || faults.count)
		faults_name_places(&faults, r->input);
	else
		must(err == -ERR_BAD_JSON || err == -ERR_BAD_QUERY || err == -ERR_BAD_PATH);
	must(!err == !!taken);
	return 0;
}
