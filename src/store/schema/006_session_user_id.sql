-- The index before this step serves all that used this one. Dropped in a transaction of its own: to make an index keeps the table's
-- writers waiting, to drop one its readers too, and a refresh, which reads first, would have waited for the one step while the
-- other waited for it.

DROP INDEX session_user_id;
