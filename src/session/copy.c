/* The copy of a session, to text and back. */
#include "session/copy.h"

#include <inttypes.h>
#include <stdio.h>

enum { FLAG_APPROVED = 1, FLAG_PASSWORD_DUE = 2 };

/* Fixed widths, so that a damaged one does not parse; 18 digits fit into 64 bits and are the year 33658. */
#define COPY_WRITTEN "%s %d %d %s %s %" PRId64
#define COPY_READ    "%36s %1d %1d %36s %36s %18" SCNd64 "%n"

const char *copy_write(struct arena *arena, const struct session *session)
{
	char user[UUID_TEXT_SIZE], organization[UUID_TEXT_SIZE], id[UUID_TEXT_SIZE];
	int flags = (session->approved ? FLAG_APPROVED : 0) | (session->password_due ? FLAG_PASSWORD_DUE : 0);

	uuid_to_text(session->user_id, user);
	uuid_to_text(session->organization_id, organization);
	uuid_to_text(session->id, id);
	return arena_printf(
		arena, COPY_WRITTEN, user, session->role, flags, organization, id, session->expires_at);
}

bool copy_read(const struct redis_value *value, int64_t now, struct session *ret_session)
{
	char user[UUID_TEXT_SIZE], organization[UUID_TEXT_SIZE], id[UUID_TEXT_SIZE];
	int role, flags, end = -1;
	struct session s;

	if (value->type != REDIS_STRING ||
		sscanf(value->text, COPY_READ, user, &role, &flags, organization, id, &s.expires_at, &end) !=
			6 ||
		end != (int)value->length)
		return false;
	if (uuid_parse(user, &s.user_id) || uuid_parse(organization, &s.organization_id) ||
		uuid_parse(id, &s.id))
		return false;
	if (role < 0 || role >= ROLE_COUNT || flags & ~(FLAG_APPROVED | FLAG_PASSWORD_DUE) ||
		s.expires_at <= now)
		return false;
	s.role = (enum role)role;
	s.approved = flags & FLAG_APPROVED;
	s.password_due = flags & FLAG_PASSWORD_DUE;
	*ret_session = s;
	return true;
}
