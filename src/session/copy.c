/* The copy of a session, to text and back. */
#include "session/copy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { FLAG_APPROVED = 1, FLAG_PASSWORD_DUE = 2 };

void copy_write(const struct session *session, char ret_text[COPY_SIZE])
{
	char user[UUID_TEXT_SIZE], organization[UUID_TEXT_SIZE], id[UUID_TEXT_SIZE];
	int flags = (session->approved ? FLAG_APPROVED : 0) | (session->password_due ? FLAG_PASSWORD_DUE : 0);

	uuid_to_text(session->user_id, user);
	uuid_to_text(session->organization_id, organization);
	uuid_to_text(session->id, id);
	snprintf(ret_text, COPY_SIZE, "%s %d %d %s %s %" PRId64, user, session->role, flags, organization, id,
		session->expires_at);
}

/* sscanf() takes blanks, signs and capitals where none belong. */
static bool is_as_written(const struct redis_value *value, const struct session *session)
{
	char text[COPY_SIZE];

	copy_write(session, text);
	return strlen(text) == value->length && memcmp(text, value->text, value->length) == 0;
}

bool copy_read(const struct redis_value *value, int64_t now, struct session *ret_session)
{
	char user[UUID_TEXT_SIZE], organization[UUID_TEXT_SIZE], id[UUID_TEXT_SIZE];
	int role, flags;
	struct session s;

	if (value->type != REDIS_STRING || sscanf(value->text, "%36s %1d %1d %36s %36s %18" SCNd64, user,
						   &role, &flags, organization, id, &s.expires_at) != 6)
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
	if (!is_as_written(value, &s))
		return false;
	*ret_session = s;
	return true;
}
