-- A user's sessions in force, newest first: what of them is listed, counted and ended does not grow with those that are over.

CREATE INDEX session_in_force ON session (user_id, id DESC NULLS LAST) WHERE revoked_at IS NULL;
