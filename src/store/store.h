/*
 * What the files of one table share: the connection and who asks. Rows are structs in the request's arena; every function
 * waits no longer than the request's deadline and returns 0 or -ERR_*, and those of db.h besides what it names itself.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>

#include "base/uuid.h"
#include "store/db.h"

#define TRY(call)                                                                                            \
	do {                                                                                                 \
		int try_err = (call);                                                                        \
		if (try_err)                                                                                 \
			return try_err;                                                                      \
	} while (0)

/* Who reads: an organization sees its own and what was granted to it, an administrator everything. */
struct viewer {
	struct uuid organization_id;
	bool sees_all;
};

/* Where a page of a list begins: after this id, newest first. */
struct page {
	struct uuid after; /* all ones for the first page */
	int limit;         /* rows wanted; one more is read to know whether another page follows */
};

#endif
