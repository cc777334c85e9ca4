-- The length of all texts of a lot's events, so that a history ends before it is too long to be read and proved at once. What was
-- recorded before this column is not in it, and what the version before records meanwhile: it bounds, and proves nothing.

ALTER TABLE lot ADD COLUMN event_bytes bigint NOT NULL DEFAULT 0;
