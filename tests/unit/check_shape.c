/* Shapes: a struct as JSON by its table, null where there is nothing. */
#include "http/shape.h"

#include <string.h>

#include "suite.h"

struct part {
	const char *name;
};

struct whole {
	struct uuid id;
	const char *text, *decimal, *raw;
	int64_t integer, time;
	bool yes;
	int32_t date;
	uint8_t digest[32];
	const struct part *object;
	struct part within;
	const struct part *parts;
	int64_t part_count;
};

static const struct member part_members[] = { MEMBER(struct part, name, TEXT, NULLABLE), END_OF_MEMBERS };
static const struct shape part_shape = { "Part", part_members, sizeof(struct part) };

static const struct member members[] = {
	MEMBER(struct whole, id, UUID, NULLABLE),
	MEMBER(struct whole, text, TEXT, NULLABLE),
	MEMBER(struct whole, decimal, DECIMAL, NULLABLE),
	MEMBER(struct whole, raw, JSON, NULLABLE),
	MEMBER(struct whole, integer, INTEGER, ALWAYS),
	MEMBER(struct whole, time, TIME, NULLABLE),
	MEMBER_NAMED(struct whole, yes, "other_name", BOOLEAN, ALWAYS),
	MEMBER(struct whole, date, DATE, NULLABLE),
	MEMBER(struct whole, digest, DIGEST, ALWAYS),
	MEMBER(struct whole, object, OBJECT, NULLABLE, .shape = &part_shape),
	MEMBER(struct whole, within, WITHIN, ALWAYS, .shape = &part_shape),
	MEMBER(struct whole, parts, ARRAY, ALWAYS, .shape = &part_shape,
		.count = offsetof(struct whole, part_count)),
	END_OF_MEMBERS,
};
static const struct shape shape = { "Whole", members, sizeof(struct whole) };

static struct arena arena;

static void setup(void)
{
	ck_assert_int_eq(arena_init(&arena, ARENA_SIZE), 0);
}

static void teardown(void)
{
	arena_release(&arena);
}

static const char *written(const struct whole *whole)
{
	struct json_writer w;
	struct buf text;

	buf_init(&text, &arena, 4096);
	json_begin(&w, &text);
	shape_write(&w, &shape, whole);
	return text.data;
}

START_TEST(each_type_is_written_as_its_own)
{
	const struct part parts[] = { { "one" }, { "two" } };
	const struct whole whole = {
		.id = { { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 } },
		.text = "\"quoted\"",
		.decimal = "12.50",
		.raw = "{\"a\":[1]}",
		.integer = -7,
		.time = 1000000,
		.yes = true,
		.date = 1,
		.digest = { 0xab },
		.object = &parts[1],
		.within = { "in" },
		.parts = parts,
		.part_count = 2,
	};

	ck_assert_str_eq(written(&whole),
		"{\"id\":\"01020304-0506-0708-090a-0b0c0d0e0f10\",\"text\":\"\\\"quoted\\\"\","
		"\"decimal\":\"12.50\",\"raw\":{\"a\":[1]},\"integer\":-7,\"time\":\"1970-01-01T00:00:01Z\","
		"\"other_name\":true,\"date\":\"1970-01-02\","
		"\"digest\":\"ab00000000000000000000000000000000000000000000000000000000000000\","
		"\"object\":{\"name\":\"two\"},\"within\":{\"name\":\"in\"},"
		"\"parts\":[{\"name\":\"one\"},{\"name\":\"two\"}]}");
}
END_TEST

START_TEST(nothing_is_null)
{
	const struct whole whole = { .time = INT64_MIN, .date = INT32_MIN };

	ck_assert_str_eq(written(&whole),
		"{\"id\":null,\"text\":null,\"decimal\":null,\"raw\":null,\"integer\":0,\"time\":null,"
		"\"other_name\":false,\"date\":null,"
		"\"digest\":\"0000000000000000000000000000000000000000000000000000000000000000\","
		"\"object\":null,\"within\":{\"name\":null},\"parts\":[]}");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { each_type_is_written_as_its_own, nothing_is_null };

	return suite_run_with("shape", tests, ARRAY_SIZE(tests), setup, teardown);
}
