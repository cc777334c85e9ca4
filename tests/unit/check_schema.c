/* The migrations inside the program are the files of src/store/schema, in order and to the byte. */
#include <stdio.h>
#include <string.h>

#include "store/schema.h"
#include "suite.h"

static const char *source_tree(void)
{
	const char *tree = getenv("AGROBRIDGE_SOURCE");

	return tree ? tree : ".";
}

START_TEST(their_numbers_count_from_one)
{
	ck_assert_uint_ge(migration_count, 1);
	for (size_t i = 0; i < migration_count; i++)
		ck_assert_int_eq(migrations[i].number, (int)i + 1);
}
END_TEST

START_TEST(their_text_is_the_files)
{
	static char text[1 << 20];

	for (size_t i = 0; i < migration_count; i++) {
		const struct migration *m = &migrations[i];
		char path[4096];
		snprintf(path, sizeof path, "%s/src/store/schema/%03d_%s.sql", source_tree(), m->number,
			m->name);
		FILE *file = fopen(path, "r");
		ck_assert_msg(file != NULL, "no %s", path);
		size_t n = fread(text, 1, sizeof text - 1, file);
		fclose(file);
		text[n] = '\0';
		ck_assert_uint_gt(n, 0);
		ck_assert_msg(strcmp(m->sql, text) == 0, "%s differs", path);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { their_numbers_count_from_one, their_text_is_the_files };

	return suite_run("schema", tests, ARRAY_SIZE(tests));
}
