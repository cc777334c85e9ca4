/* What no table says, in words: of the API as a whole, and of single operations. */
#include <string.h>

#include "api/handlers.h"
#include "api/kinds.h"
#include "api/openapi.h"

const char openapi_about[] =
	"AgroBridge records where food comes from. Producers register lots, everybody along the chain "
	"records what\n"
	"happens to them, and whoever scans the code on the box sees the lot's verified history.\n"
	"\n"
	"## Sessions\n"
	"`POST /v1/auth/login` trades an e-mail address and a password for two tokens. Send the access token "
	"as\n"
	"`Authorization: Bearer …`; when it has expired, `POST /v1/auth/refresh` trades the refresh token "
	"for two new\n"
	"ones. A refresh token works once: used again, it ends the whole session. A user's newest 1000 "
	"sessions are in\n"
	"force: a login beyond them ends the oldest. An outage is never a 401.\n"
	"\n"
	"## Who sees what\n"
	"The role of the account decides what it may do (403), its organization what it sees. What belongs "
	"to others\n"
	"and is not granted looks like what is not there (404). `x-roles` names the roles of each "
	"operation.\n"
	"\n"
	"## Values\n"
	"Bodies are JSON in UTF-8, at most 1 MiB. Times are RFC 3339, answered in UTC. Quantities are exact: "
	"answered as\n"
	"text, taken as text or as a number. Ids are UUIDs, and grow with time. Texts hold no control "
	"characters. An\n"
	"unknown or repeated member is refused, `null` counts as absent. In answers members may join: ignore "
	"those you\n"
	"do not know.\n"
	"\n"
	"## Repeating a request\n"
	"A POST that creates takes an `Idempotency-Key`: repeated with the same key and body it does nothing "
	"and gets the\n"
	"first answer again, with `Idempotency-Replayed: true`. Without one, a request that ended in 503 or "
	"in silence\n"
	"may or may not have been done.\n"
	"\n"
	"## Versions\n"
	"What can be changed has a version, and its `ETag` says which. A PATCH names in `If-Match` the one "
	"it was made\n"
	"for; if somebody was faster, the answer is 412: read again. `If-None-Match` spares you what you "
	"have (304).\n"
	"\n"
	"## Lists\n"
	"`{\"items\":[…],\"next_cursor\":…}`: ask again with `cursor=` that until it is null. A cursor has "
	"no meaning\n"
	"but that.\n"
	"\n"
	"## Problems\n"
	"Every refusal is `application/problem+json` (RFC 9457). `code` is for programs and never changes "
	"its meaning;\n"
	"`detail` is for people, in English or Spanish. `errors` names every place that breaks a rule, not "
	"the first\n"
	"only. 429 and 503 say in `Retry-After` how long to wait. The examples of an answer name every code "
	"it can have.\n"
	"\n"
	"## Pages of other sites\n"
	"A page of another site may call this API where its origin is on our list; any other is told nothing "
	"(CORS).\n"
	"It may send every header named here, and read those of an answer but `Allow` and "
	"`WWW-Authenticate`. Cookies\n"
	"are neither set nor taken.\n"
	"\n"
	"## Methods\n"
	"HEAD is answered wherever GET is, OPTIONS everywhere with `Allow`; another method gets 405 and "
	"`Allow`.\n";

static const struct {
	int (*handler)(struct ctx *ctx);
	const char *text;
} notes[] = {
	{ auth_refresh, "The refresh token is spent by this. Should the answer be lost, log in again." },
	{ lot_update,
		"`REGISTERED` releases a lot that is on hold or recalled. Everything else its events do." },
	{ lot_verify, "Every link is computed anew from what is stored; `first_broken` is the first that "
		      "differs." },
	{ grant_put, "Granting again replaces what was granted. It takes effect at once." },
	{ grant_delete, "It takes effect at once; what the other organization recorded stays." },
	{ trace_by_code, "A copy may be kept for 60 s: a recall shows within that." },
	{ trace_by_gtin, "A copy may be kept for 60 s: a recall shows within that." },
};

/* The kinds of event as a table, by kinds.c. */
static const char *kinds_text(struct arena *arena)
{
	struct buf text;

	buf_init(&text, arena, 8192);
	buf_add_text(&text,
		"On one's own lots, and on lots granted with `record`; a PRODUCER on its own only.\n\n"
		"| kind | who records it | result | moves the lot to |\n|---|---|---|---|\n");
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		const struct kind_info *info = &kinds[kind];
		const char *comma = "";
		buf_printf(&text, "| %s | ", kind_names[kind]);
		for (int role = 0; role < ROLE_COUNT; role++)
			if (info->roles & ROLE_BIT(role)) {
				buf_printf(&text, "%s%s", comma, role_names[role]);
				comma = ", ";
			}
		buf_add_text(&text, " | ");
		comma = "";
		for (int result = 0; result < RESULT_COUNT; result++)
			if (info->results & 1u << result) {
				buf_printf(&text, "%s%s", comma, result_names[result]);
				comma = ", ";
			}
		buf_printf(&text, "%s | %s", info->result_needed ? " (required)" : "",
			info->status ? info->status : "");
		buf_printf(&text, "%s%s |\n", info->refused ? ", " : "", info->refused ? info->refused : "");
	}
	buf_add_text(&text, "\nWhat moves a lot, and CUSTOMS_CLEARANCE, is refused while the lot is on hold "
			    "or recalled.");
	return text.data;
}

const char *openapi_notes(struct arena *arena, const struct route *route)
{
	if (route->handler == event_create)
		return kinds_text(arena);
	for (size_t i = 0; i < ARRAY_SIZE(notes); i++)
		if (notes[i].handler == route->handler)
			return notes[i].text;
	return NULL;
}
