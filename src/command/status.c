/* agrobridge status */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/status.h"
#include "base/arena.h"
#include "command/command.h"
#include "http/response.h"
#include "pool/scoreboard.h"
#include "pool/view.h"

static int open_board(const struct conf *conf, struct scoreboard **ret_board)
{
	int err = scoreboard_open_read(conf->socket_dir, ret_board);

	if (err == -ENOENT || err == -ESRCH)
		fprintf(stderr, "agrobridge: no pool is running in %s (AGROBRIDGE_SOCKET_DIR)\n",
			conf->socket_dir);
	else if (err)
		fprintf(stderr, "agrobridge: could not read the scoreboard in %s: %s\n", conf->socket_dir,
			err == -EINVAL ? "it is of another build" : strerror(-err));
	return err;
}

static int print_json(const struct scoreboard *board)
{
	struct arena arena;
	struct buf text;

	if (arena_init(&arena, ARENA_SIZE))
		return 1;
	buf_init(&text, &arena, RESPONSE_MAX);
	status_write(&text, board);
	printf("%s\n", text.data);
	arena_release(&arena);
	return 0;
}

int command_status(struct conf *conf, int argc, char **argv)
{
	struct scoreboard *board;
	int status = 0;

	const char *how = argc == 2 ? argv[1] : "";
	if (argc > 2 || (*how && strcmp(how, "--json") != 0 && strcmp(how, "--ready") != 0))
		return COMMAND_WRONG_USAGE;
	if (open_board(conf, &board))
		return 1;
	if (strcmp(how, "--json") == 0)
		status = print_json(board);
	else if (strcmp(how, "--ready") == 0)
		status = pool_is_ready(board) ? 0 : 1;
	else
		status_print(board, stdout, isatty(STDOUT_FILENO));
	scoreboard_close(board);
	return status;
}
