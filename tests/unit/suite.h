/*
 * What every unit test program begins and ends with: a list of tests in, libcheck's summary line and the exit status out.
 *
 *   int main(void)
 *   {
 *   	const TTest *const tests[] = { leap_years_exist, ... };
 *   	return suite_run("clock", tests, ARRAY_SIZE(tests));
 *   }
 */
#ifndef TESTS_UNIT_SUITE_H
#define TESTS_UNIT_SUITE_H

#include <check.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/base.h"

/* With a fixture around each test; NULL for none. */
static inline int suite_run_with(const char *name, const TTest *const *tests, size_t count,
	void (*setup)(void), void (*teardown)(void))
{
	Suite *suite = suite_create(name);
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	for (size_t i = 0; i < count; i++)
		tcase_add_test(all, tests[i]);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static inline int suite_run(const char *name, const TTest *const *tests, size_t count)
{
	return suite_run_with(name, tests, count, NULL, NULL);
}

#endif
