-- The audit log: who changed what, from what to what, when, in which request; and the duty to change a password that
-- an administrator has set.

ALTER TABLE app_user ADD COLUMN password_due boolean NOT NULL DEFAULT false;

-- action: method and route, "PATCH /v1/lots/{id}"; object_id: what was written; before: NULL for what is new; after: NULL for
-- what is gone, and for events, which are append-only themselves. No foreign key: the log outlives what it speaks of.
CREATE TABLE audit (
	id              uuid PRIMARY KEY,
	at              timestamptz NOT NULL,
	user_id         uuid NOT NULL,
	organization_id uuid,
	request_id      text NOT NULL,
	action          text NOT NULL,
	object_id       uuid,
	before          jsonb,
	after           jsonb,
	reason          text
);
CREATE INDEX audit_object_id ON audit (object_id, id DESC NULLS LAST);
CREATE INDEX audit_user_id ON audit (user_id, id DESC NULLS LAST);

GRANT SELECT, INSERT ON audit TO agrobridge_app;

-- Pruning is the only way to delete from it, and nothing younger than a year, whatever is asked: whoever has the service's
-- password cannot erase what was done with it. An id begins with its row's time (UUID version 7): what is too young is not even
-- looked at.
CREATE FUNCTION audit_prune(older_than timestamptz, most bigint) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
	WITH gone AS (
		DELETE FROM audit WHERE id IN (
			SELECT id FROM audit WHERE at < least(older_than, now() - interval '1 year') AND id < (
				lpad(to_hex((extract(epoch FROM least(older_than, now() - interval '1 year')) * 1000)::bigint),
					12, '0') || '70008000000000000000')::uuid
			ORDER BY id LIMIT most FOR UPDATE SKIP LOCKED)
		RETURNING 1)
	SELECT count(*) FROM gone
$$;
REVOKE EXECUTE ON FUNCTION audit_prune(timestamptz, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_prune(timestamptz, bigint) TO agrobridge_app;
