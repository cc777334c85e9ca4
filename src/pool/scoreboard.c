/* The scoreboard as a whole: its file, and what the master writes about groups. One worker's slot is in slot.c, what it all
 * means to a reader in view.c. */
#include "pool/scoreboard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "pool/layout.h"
#include "pool/proc.h"
#include "pool/queue.h"

static const char *const restart_names[RESTART_COUNT] = {
	[RESTART_CRASH] = "crash",
	[RESTART_OOM] = "oom",
	[RESTART_DEADLINE] = "deadline",
	[RESTART_MAX_REQUESTS] = "max_requests",
	[RESTART_MEMORY] = "memory",
	[RESTART_MAX_AGE] = "max_age",
	[RESTART_RELOAD] = "reload",
	[RESTART_UNKNOWN] = "unknown",
};

static const char *const group_names[GROUP_COUNT] = {
	[GROUP_MAIN] = "main",
	[GROUP_LOGIN] = "login",
	[GROUP_OPS] = "ops",
};

const char *restart_name(enum restart reason)
{
	return restart_names[reason];
}

const char *group_name(enum group group)
{
	return group_names[group];
}

struct slot *scoreboard_slot(struct scoreboard *board, enum group group, int index)
{
	return &board->slot[board->group[group].first_slot + index];
}

void scoreboard_closing(struct scoreboard *board, enum group group, enum closing how)
{
	store(board->group[group].closing, (uint32_t)how);
}

void scoreboard_draining(struct scoreboard *board)
{
	store(board->draining, 1);
}

void scoreboard_restart(struct scoreboard *board, enum group group, enum restart reason)
{
	counter_add(&board->group[group].restarts[reason], 1);
}

static void sample_take(struct scoreboard *board, int64_t now)
{
	uint32_t taken = load(board->samples);

	for (int g = 0; g < GROUP_COUNT; g++) {
		struct board_group *group = &board->group[g];
		struct sample *sample = &group->sample[taken % SAMPLE_COUNT];
		store(sample->at, now);
		for (int i = 0; i < TALLY_COUNT; i++) {
			uint64_t sum = 0;
			for (int s = 0; s < group->slots; s++)
				sum += load(board->slot[group->first_slot + s].tally[i]);
			store(sample->tally[i], sum);
		}
	}
	atomic_store_explicit(&board->samples, taken + 1, memory_order_release);
}

void scoreboard_sample(struct scoreboard *board, int64_t now)
{
	uint32_t taken = load(board->samples);

	for (int g = 0; g < GROUP_COUNT; g++) {
		struct board_group *group = &board->group[g];
		struct queue queue;
		if (queue_by_diag(group->listener, &queue) || queue.depth == 0)
			store(group->empty_at, now);
	}
	if (!taken || now - load(board->group[0].sample[(taken - 1) % SAMPLE_COUNT].at) >= SAMPLE_EVERY_US)
		sample_take(board, now);
}

/* --- its file --- */

enum { PATH_SIZE = 128 }; /* a directory of at most 107 bytes and a name */

static void board_fill(struct scoreboard *board, const struct scoreboard_plan *plan, size_t size)
{
	uint32_t slots = 0;

	board->version = LAYOUT_VERSION;
	board->board_size = sizeof *board;
	board->slot_size = sizeof board->slot[0];
	board->size = size;
	board->master = getpid();
	board->master_start = process_start(getpid());
	board->started_at = clock_now();
	board->late_us = plan->late_us;
	snprintf(board->dir, sizeof board->dir, "%s", plan->dir);
	snprintf(board->build_version, sizeof board->build_version, "%s", plan->version);
	snprintf(board->build_revision, sizeof board->build_revision, "%s", plan->revision);
	for (int g = 0; g < GROUP_COUNT; g++) {
		struct board_group *group = &board->group[g];
		group->configured = plan->group[g].configured;
		group->slots = plan->group[g].slots;
		group->first_slot = (int32_t)slots;
		group->backlog = plan->group[g].backlog;
		group->budget_us = plan->group[g].budget_us;
		group->listener = plan->group[g].listener;
		for (int i = 0; i < group->slots; i++, slots++) {
			board->slot[slots].offset = (uint64_t)((char *)&board->slot[slots] - (char *)board);
			board->slot[slots].group = (uint32_t)g;
		}
	}
	board->slots = slots;
	memcpy(board->magic, LAYOUT_MAGIC, sizeof board->magic);
}

/* Space is reserved, not only promised: a full file system must fail here, not kill a worker with SIGBUS later. */
static int file_make(const char *path, size_t size, struct scoreboard **ret_board)
{
	struct stat st;
	int err = 0;
	void *map = MAP_FAILED;

	unlink(path); /* of a master that died while making it */
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	if (fchmod(fd, 0640) < 0 || fstat(fd, &st) < 0)
		err = -errno;
	if (!err)
		err = -posix_fallocate(fd, 0, (off_t)size);
	if (!err && (map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) == MAP_FAILED)
		err = -errno;
	close(fd);
	if (err) {
		unlink(path);
		return err;
	}
	*ret_board = map;
	(*ret_board)->inode = st.st_ino;
	return 0;
}

int scoreboard_create(const struct scoreboard_plan *plan, struct scoreboard **ret_board)
{
	char fresh[PATH_SIZE], path[PATH_SIZE];
	size_t slots = 0;
	struct scoreboard *board = NULL;

	for (int g = 0; g < GROUP_COUNT; g++)
		slots += (size_t)plan->group[g].slots;
	if (slots > SLOTS_MAX || strlen(plan->dir) >= sizeof board->dir)
		return -EINVAL;
	snprintf(fresh, sizeof fresh, "%s/scoreboard.new", plan->dir);
	snprintf(path, sizeof path, "%s/scoreboard", plan->dir);
	size_t size = sizeof *board + slots * sizeof board->slot[0];
	int err = file_make(fresh, size, &board);
	if (err)
		return err;
	board_fill(board, plan, size);
	if (rename(fresh, path) < 0) {
		err = -errno;
		unlink(fresh);
		munmap(board, size);
		return err;
	}
	*ret_board = board;
	return 0;
}

void scoreboard_destroy(struct scoreboard *board)
{
	char path[PATH_SIZE];
	struct stat st;

	snprintf(path, sizeof path, "%s/scoreboard", board->dir);
	if (stat(path, &st) == 0 && st.st_ino == board->inode)
		unlink(path);
	scoreboard_close(board);
}

/* That what is mapped is a board of this build, and that no number in it leads outside of it. */
static int board_check(const struct scoreboard *board, size_t size)
{
	if (memcmp(board->magic, LAYOUT_MAGIC, sizeof board->magic) != 0 ||
		board->version != LAYOUT_VERSION || board->board_size != sizeof *board ||
		board->slot_size != sizeof board->slot[0] || board->slots > SLOTS_MAX ||
		board->size != size || size != sizeof *board + board->slots * sizeof board->slot[0])
		return -EINVAL;
	for (int g = 0; g < GROUP_COUNT; g++) {
		const struct board_group *group = &board->group[g];
		if (group->first_slot < 0 || group->slots < 0 ||
			(uint32_t)group->first_slot + (uint32_t)group->slots > board->slots)
			return -EINVAL;
	}
	if (!board->master_start || process_start(board->master) != board->master_start)
		return -ESRCH;
	return 0;
}

int scoreboard_open_read(const char *dir, struct scoreboard **ret_board)
{
	char path[PATH_SIZE];
	struct stat st;
	void *map = MAP_FAILED;

	if (snprintf(path, sizeof path, "%s/scoreboard", dir) >= (int)sizeof path)
		return -ENOENT;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int err = fstat(fd, &st) < 0 ? -errno : 0;
	if (!err && (!S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(struct scoreboard)))
		err = -EINVAL;
	if (!err && (map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0)) == MAP_FAILED)
		err = -errno;
	close(fd);
	if (err)
		return err;
	err = board_check(map, (size_t)st.st_size);
	if (err) {
		munmap(map, (size_t)st.st_size);
		return err;
	}
	*ret_board = map;
	return 0;
}

void scoreboard_close(struct scoreboard *board)
{
	munmap(board, board->size);
}
