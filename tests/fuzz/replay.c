/* main() of a fuzzer in make check: each file of its corpus is one test, named by the file. */
#include <check.h>
#include <dirent.h>
#include <libgen.h>

#include "fuzz.h"

enum { INPUT_SECONDS = 10 };

static struct dirent **files;
static const char *folder;

static char *path_of(const char *name)
{
	char *path;

	ck_assert_int_ge(asprintf(&path, "%s/%s", folder, name), 0);
	return path;
}

/* In memory of its own size, so that the address sanitizer sees a look behind its end. */
START_TEST(it_breaks_no_promise)
{
	char *path = path_of(files[_i]->d_name);
	FILE *file = fopen(path, "rb");
	long size;

	ck_assert_msg(file && fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= 0, "%s", path);
	rewind(file);
	uint8_t *bytes = malloc((size_t)size);
	ck_assert_uint_eq(fread(bytes, 1, (size_t)size, file), (size_t)size);
	fclose(file);
	ck_assert_int_eq(LLVMFuzzerTestOneInput(bytes, (size_t)size), 0);
	free(bytes);
	free(path);
}
END_TEST

START_TEST(there_is_a_corpus)
{
	ck_assert_msg(files && files[0], "%s is empty or not there", folder);
}
END_TEST

static int is_input(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
	char *name = basename(argv[0]) + strlen("fuzz_");
	const char *source = getenv("AGROBRIDGE_SOURCE");
	char *path;
	(void)argc;

	if (asprintf(&path, "%s/tests/fuzz/corpus/%s", source ? source : ".", name) < 0)
		return EXIT_FAILURE;
	folder = path;
	int count = scandir(folder, &files, is_input, alphasort);
	if (count <= 0)
		files = NULL;

	Suite *suite = suite_create(name);
	TCase *any = tcase_create("corpus");
	tcase_add_test(any, there_is_a_corpus);
	suite_add_tcase(suite, any);
	for (int i = 0; i < count; i++) {
		TCase *one = tcase_create(files[i]->d_name);
		tcase_set_timeout(one, INPUT_SECONDS);
		tcase_add_loop_test(one, it_breaks_no_promise, i, i + 1);
		suite_add_tcase(suite, one);
	}
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	for (int i = 0; i < count; i++)
		free(files[i]);
	free(files);
	free(path);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
