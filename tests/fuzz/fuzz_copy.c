/* Copies of sessions: whatever Redis holds, what is read as one is whole, in force, and says what it would be written as;
 * and what we write is read as it was. */
#include "fuzz.h"
#include "session/copy.h"

enum { NOW = 1000 };

static struct redis_value value_of(const char *text, size_t length)
{
	return (struct redis_value){ .type = REDIS_STRING, .text = text, .length = length };
}

static void is_same(const struct session *a, const struct session *b)
{
	must(uuid_equal(a->id, b->id) && uuid_equal(a->user_id, b->user_id));
	must(uuid_equal(a->organization_id, b->organization_id) && a->role == b->role);
	must(a->approved == b->approved && a->password_due == b->password_due);
	must(a->expires_at == b->expires_at);
}

static void comes_back(const struct session *session)
{
	char text[COPY_SIZE];
	struct session again;

	copy_write(session, text);
	const struct redis_value value = value_of(text, strlen(text));
	must(copy_read(&value, NOW, &again));
	is_same(session, &again);
}

static void is_a_session_or_refused(const char *text, size_t size)
{
	char written[COPY_SIZE];
	const struct session none = { .expires_at = -1 };
	struct redis_value value = value_of(text, size);
	struct session session = none;

	if (!copy_read(&value, NOW, &session)) {
		is_same(&session, &none);
		return;
	}
	copy_write(&session, written);
	must(strlen(text) == size && strcmp(text, written) == 0);
	must((int)session.role >= 0 && session.role < ROLE_COUNT && session.expires_at > NOW);
	must(!copy_read(&value, session.expires_at, &session));
	for (value.length = 0; value.length < size; value.length++)
		must(!copy_read(&value, NOW, &session));
	value.length = size;
	for (value.type = REDIS_NIL; value.type <= REDIS_ARRAY; value.type++)
		must(value.type == REDIS_STRING || !copy_read(&value, NOW, &session));
}

/* The bytes as a session's own. */
static void is_written_and_read(const uint8_t *data, size_t size)
{
	struct session session = { .expires_at = 1780000000000000 };
	uint8_t bytes[3 * sizeof(struct uuid) + 2] = { 0 };

	memcpy(bytes, data, MIN(size, sizeof bytes));
	memcpy(session.id.b, bytes, sizeof session.id);
	memcpy(session.user_id.b, bytes + 16, sizeof session.user_id);
	memcpy(session.organization_id.b, bytes + 32, sizeof session.organization_id);
	session.role = (enum role)(bytes[48] % ROLE_COUNT);
	session.approved = bytes[49] & 1;
	session.password_due = bytes[49] & 2;
	comes_back(&session);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = fuzz_arena();

	if (size > FUZZ_INPUT_MAX)
		return 0;
	is_a_session_or_refused(fuzz_text(arena, data, size), size);
	is_written_and_read(data, size);
	return 0;
}
