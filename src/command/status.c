/* agrobridge status */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
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

static int print_json(const struct conf *conf, const struct scoreboard *board)
{
	struct arena arena;
	struct buf text;

	if (arena_init(&arena, ARENA_SIZE))
		return 1;
	buf_init(&text, &arena, RESPONSE_MAX);
	status_write(&text, conf, board);
	printf("%s\n", text.data);
	arena_release(&arena);
	return 0;
}

enum { WATCH_MS = 1000, PLAIN_ROWS = 1000000 };

/* The table, cut to what the terminal has rows for, over what stood there before. */
static int draw(const struct scoreboard *board, bool terminal)
{
	struct winsize window;
	char *text = NULL;
	size_t size;
	FILE *memory = open_memstream(&text, &size);

	if (!memory)
		return 1;
	status_print(board, memory, terminal);
	fclose(memory);
	int rows = terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_row ? window.ws_row
											       : PLAIN_ROWS;
	if (terminal)
		fputs("\033[H", stdout);
	char *line = text;
	for (; *line && rows > 1; rows--) {
		size_t n = strcspn(line, "\n");
		printf("%.*s%s\n", (int)n, line, terminal ? "\033[K" : "");
		line += n + (line[n] == '\n');
	}
	fputs(terminal ? "\033[J" : "\n", stdout);
	free(text);
	return fflush(stdout) ? 1 : 0;
}

/* Until Ctrl-C, the end of the pool, or nobody reads any more. A new pool in the same place is found again. */
static int watch(const struct conf *conf, struct scoreboard *board)
{
	bool terminal = isatty(STDOUT_FILENO);
	int status = 0;
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	if (terminal)
		fputs("\033[?1049h\033[?25l", stdout); /* the other screen, no cursor */
	do {
		status = draw(board, terminal);
		scoreboard_close(board);
	} while (!status &&
		 sigtimedwait(&ends, NULL, &(struct timespec){ .tv_nsec = WATCH_MS * 1000000L - 1 }) < 0 &&
		 (status = open_board(conf, &board) ? 1 : 0) == 0);
	if (terminal)
		fputs("\033[?25h\033[?1049l", stdout);
	return status;
}

int command_status(struct conf *conf, int argc, char **argv)
{
	const char *how = argc == 2 ? argv[1] : "";
	struct scoreboard *board;
	int status = 0;

	if (argc > 2 || (*how && strcmp(how, "--json") != 0 && strcmp(how, "--ready") != 0 &&
				strcmp(how, "--watch") != 0))
		return COMMAND_WRONG_USAGE;
	if (open_board(conf, &board))
		return 1;
	if (strcmp(how, "--watch") == 0)
		return watch(conf, board);
	if (strcmp(how, "--json") == 0)
		status = print_json(conf, board);
	else if (strcmp(how, "--ready") == 0)
		status = pool_is_ready(board) ? 0 : 1;
	else
		status_print(board, stdout, isatty(STDOUT_FILENO));
	scoreboard_close(board);
	return status;
}
