/*
 * The copy of a session that Redis keeps, as text: "USER ROLE FLAGS ORGANIZATION SESSION EXPIRES". It begins with the user's
 * id, 36 characters, by which a script counts the request.
 *
 * Redis may hold anything under a copy's key. What is read here is somebody's right to a request, so that whatever is damaged
 * or over is no copy: PostgreSQL is asked.
 */
#ifndef SESSION_COPY_H
#define SESSION_COPY_H

#include "session/redis.h"
#include "store/session.h"

enum { COPY_SIZE = 144 }; /* three ids, three numbers of which one is long, five blanks, NUL */

void copy_write(const struct session *session, char ret_text[COPY_SIZE]);
/* False where it is not what would be written, byte for byte, or has expired by `now` (wall us); *ret_session is then as it was. */
bool copy_read(const struct redis_value *value, int64_t now, struct session *ret_session);

#endif
