-- The first schema: who (organization, app_user, session), what (product, location, lot), what happened (event), and the
-- answers of repeatable writes (idempotency_key).
--
-- Two roles: the owner runs migrations; agrobridge_app is what the service may do: no DDL, and on event only to add and
-- to read. Login roles are members of agrobridge_app, so that a password rotates by switching between two of them.

DO $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'agrobridge_app') THEN
		CREATE ROLE agrobridge_app NOLOGIN;
	END IF;
END $$;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO agrobridge_app;

CREATE TABLE organization (
	id         uuid PRIMARY KEY,
	name       text NOT NULL,
	kind       text NOT NULL,
	tax_id     text UNIQUE,
	gln        text UNIQUE,
	approved   boolean NOT NULL DEFAULT false,
	version    integer NOT NULL DEFAULT 1,
	created_at timestamptz NOT NULL
);

CREATE TABLE app_user (
	id              uuid PRIMARY KEY,
	organization_id uuid REFERENCES organization,
	email           text NOT NULL,
	name            text NOT NULL,
	role            text NOT NULL CHECK (role IN ('ADMIN', 'PRODUCER', 'PACKER', 'EXPORTER', 'CERTIFIER', 'BUYER')),
	password_hash   text NOT NULL,
	active          boolean NOT NULL DEFAULT true,
	version         integer NOT NULL DEFAULT 1,
	created_at      timestamptz NOT NULL,
	CHECK (role = 'ADMIN' OR organization_id IS NOT NULL)
);
CREATE UNIQUE INDEX app_user_email_key ON app_user (lower(email));

-- One row a login: the family of tokens that follow from it. Only SHA-256 of tokens are kept. A refresh puts the spent
-- refresh token into session_spent, where its second use is recognised.
CREATE TABLE session (
	id                 uuid PRIMARY KEY,
	user_id            uuid NOT NULL REFERENCES app_user,
	access_hash        bytea NOT NULL UNIQUE,
	access_expires_at  timestamptz NOT NULL,
	refresh_hash       bytea NOT NULL UNIQUE,
	refresh_expires_at timestamptz NOT NULL,
	created_at         timestamptz NOT NULL,
	refreshed_at       timestamptz NOT NULL,
	revoked_at         timestamptz
);
CREATE INDEX session_user_id ON session (user_id);
CREATE INDEX session_refresh_expires_at ON session (refresh_expires_at);

CREATE TABLE session_spent (
	refresh_hash bytea PRIMARY KEY,
	session_id   uuid NOT NULL REFERENCES session ON DELETE CASCADE
);
CREATE INDEX session_spent_session_id ON session_spent (session_id);

CREATE TABLE location (
	id              uuid PRIMARY KEY,
	organization_id uuid NOT NULL REFERENCES organization,
	name            text NOT NULL,
	kind            text NOT NULL,
	latitude        numeric CHECK (latitude BETWEEN -90 AND 90),
	longitude       numeric CHECK (longitude BETWEEN -180 AND 180),
	country         text,
	region          text,
	gln             text,
	version         integer NOT NULL DEFAULT 1,
	created_at      timestamptz NOT NULL
);
-- Lists are one organization's, newest first. Their order ends in NULLS LAST, though no id is NULL: no other index has that
-- order, so that a plan made for the average organization cannot walk everybody's rows to find a small one's three.
CREATE INDEX location_organization_id ON location (organization_id, id DESC NULLS LAST);

-- gtin is kept in its 14 digits: one owner in the world.
CREATE TABLE product (
	id              uuid PRIMARY KEY,
	organization_id uuid NOT NULL REFERENCES organization,
	name            text NOT NULL,
	commodity       text NOT NULL,
	variety         text,
	gtin            text CONSTRAINT product_gtin_key UNIQUE CHECK (gtin ~ '^[0-9]{14}$'),
	version         integer NOT NULL DEFAULT 1,
	created_at      timestamptz NOT NULL
);
CREATE INDEX product_organization_id ON product (organization_id, id DESC NULLS LAST);

-- status_at: the event time of what moved the status; chain_head: the last link, or the lot's first previous link;
-- quantity: no fixed scale, so that 12.50 is answered as it was given.
CREATE TABLE lot (
	id              uuid PRIMARY KEY,
	organization_id uuid NOT NULL REFERENCES organization,
	product_id      uuid NOT NULL REFERENCES product,
	origin_id       uuid REFERENCES location,
	public_code     text NOT NULL UNIQUE,
	code            text NOT NULL,
	quantity        numeric NOT NULL CHECK (quantity > 0 AND quantity < 1e11 AND scale(quantity) <= 3),
	uom             text NOT NULL,
	harvested_on    date,
	status          text NOT NULL DEFAULT 'REGISTERED' CHECK (status IN
		('REGISTERED', 'IN_TRANSIT', 'ARRIVED', 'DELIVERED', 'REJECTED', 'ON_HOLD', 'RECALLED')),
	status_at       timestamptz,
	event_count     integer NOT NULL DEFAULT 0,
	chain_head      bytea NOT NULL CHECK (length(chain_head) = 32),
	version         integer NOT NULL DEFAULT 1,
	created_at      timestamptz NOT NULL,
	CONSTRAINT lot_product_id_code_key UNIQUE (product_id, code)
);
CREATE INDEX lot_organization_id ON lot (organization_id, id DESC NULLS LAST);

CREATE TABLE lot_grant (
	lot_id          uuid NOT NULL REFERENCES lot,
	organization_id uuid NOT NULL REFERENCES organization,
	access          text NOT NULL CHECK (access IN ('read', 'record')),
	created_at      timestamptz NOT NULL,
	PRIMARY KEY (lot_id, organization_id)
);
CREATE INDEX lot_grant_organization_id ON lot_grant (organization_id, lot_id DESC NULLS LAST);

-- content is the event's canonical JSON text, the one that is hashed; document is the same made searchable, and being
-- generated cannot differ from it. The other columns repeat it for queries; verify compares them with the text.
-- hash is the link: SHA-256(previous link || SHA-256(content) || recorded_at as int64 big-endian us since 1970).
CREATE TABLE event (
	lot_id          uuid NOT NULL REFERENCES lot,
	position        integer NOT NULL CHECK (position > 0),
	id              uuid NOT NULL CONSTRAINT event_id_key UNIQUE,
	organization_id uuid NOT NULL REFERENCES organization,
	user_id         uuid NOT NULL REFERENCES app_user,
	kind            text NOT NULL CHECK (kind IN ('HARVEST', 'PROCESSING', 'QUALITY_INSPECTION', 'PACKAGING',
		'TRANSPORT_START', 'TRANSPORT_ARRIVAL', 'CUSTOMS_CLEARANCE', 'DELIVERY')),
	at              timestamptz NOT NULL,
	location_id     uuid REFERENCES location,
	temperature_c   numeric,
	humidity_pct    numeric,
	result          text,
	notes           text,
	recorded_at     timestamptz NOT NULL,
	content         text NOT NULL,
	document        jsonb NOT NULL GENERATED ALWAYS AS (content::jsonb) STORED,
	hash            bytea NOT NULL CHECK (length(hash) = 32),
	PRIMARY KEY (lot_id, position)
);

CREATE TABLE idempotency_key (
	user_id     uuid NOT NULL REFERENCES app_user,
	key         text NOT NULL,
	fingerprint bytea NOT NULL,
	status      integer NOT NULL,
	location    text,
	body        text NOT NULL,
	created_at  timestamptz NOT NULL,
	PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_key_created_at ON idempotency_key (created_at);

-- Takes the key's lock for this transaction, or fails at once with AGB01: an error ends the whole pipeline, so that a
-- request whose twin is still running never waits behind the twin's row locks.
CREATE FUNCTION idempotency_lock(key bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	IF NOT pg_try_advisory_xact_lock(key) THEN
		RAISE EXCEPTION 'a request with this key is running' USING ERRCODE = 'AGB01';
	END IF;
END $$;

GRANT SELECT ON schema_migration TO agrobridge_app;
GRANT SELECT, INSERT, UPDATE ON organization, app_user, location, product, lot TO agrobridge_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON session, session_spent, lot_grant, idempotency_key TO agrobridge_app;
GRANT SELECT, INSERT ON event TO agrobridge_app;
