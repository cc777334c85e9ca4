/*
 * What the service's document (GET /v1/openapi.json) promises, held against each answer a test gets. An answer it does not
 * promise fails the test: its status and code, its type, its headers, every member of its body. So does a body that was
 * taken although the document forbids it, or refused by a rule the document does not tell.
 */
#ifndef TESTS_API_CONTRACT_H
#define TESTS_API_CONTRACT_H

#include "client.h"

/* NULL when the answer is as promised, else why not, until the next call. */
const char *contract_fault(const cJSON *document, const struct call *call, const struct reply *reply);

#endif
