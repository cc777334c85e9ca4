/*
 * The secrets that tests send and get, noted in the file that AGROBRIDGE_TEST_SECRETS names, a JSON string a line. Whoever
 * started the services looks for them in every log once the test is over (scripts/lib/leaks.py).
 */
#ifndef TESTS_API_SECRETS_H
#define TESTS_API_SECRETS_H

#include "client.h"

void secrets_note(const struct call *call, const struct reply *reply);

#endif
