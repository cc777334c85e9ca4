/*
 * Redis servers for tests: real ones, and fakes that answer what a script says. Each runs as a child, on a Unix socket or
 * a free loopback port, with its files in a private directory; each is stopped by its pid, and dies with the test.
 */
#ifndef TESTS_STORE_REDIS_SERVER_H
#define TESTS_STORE_REDIS_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { SERVER_PATH_SIZE = 128 };

/* A private directory, removed with all that is in it. */
void private_dir_make(char ret_dir[SERVER_PATH_SIZE]);
void private_dir_remove(const char *dir);

/* Runs a program to its end and expects it to succeed. NULL ends the list. */
void run_program(const char *const argv[]);

int free_port(void);

struct redis_server {
	pid_t pid;
};

/* redis-server with these options, NULL at the end; returns when it takes connections. */
void redis_server_start(struct redis_server *s, const char *const options[]);
/* Any other program, which is ready when its output has said so. */
void program_start(struct redis_server *s, const char *const argv[], const char *ready);
void redis_server_stop(struct redis_server *s);

/*
 * A fake on the Unix socket `path`. It answers PING with `greeting` and every other command, over all connections, with
 * the next of `answers`; the last serves all further ones. "" is silence; NULL ends the connection.
 */
struct fake_script {
	const char *greeting;
	const char *answers[5];
	size_t count;
	bool bytewise;   /* each byte is a write of its own */
	int greet_after; /* the greeting waits until this descriptor can be read; 0: at once */
};

struct fake_redis {
	pid_t pid;
	struct fake_counts {
		int connections, commands;
	} * counts; /* shared with the child */
};

void fake_redis_start(struct fake_redis *f, const char *path, const struct fake_script *script);
void fake_redis_stop(struct fake_redis *f);

#endif
