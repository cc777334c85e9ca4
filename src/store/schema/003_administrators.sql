-- The administrators, found without looking at everybody: each change of a user locks them, so that one always stays. Made in the
-- blink that a table of users takes; what runs beside it does not need it.

CREATE INDEX app_user_administrators ON app_user (id) WHERE role = 'ADMIN' AND active;
