/*
 * What the pool serves in these tests: a connection carries one line, a command, and gets one answer.
 *
 *   echo TEXT   TEXT                          pid         the worker's pid
 *   sleep MS    "slept" after that time       spin        never: burns processor for ever
 *   hold        "holding"; after one more line "released" and the close
 *   crash       dies of SIGSEGV               exit N      exit(N)
 *   hang        never: waits for ever         fds         what an exec'd child has open: "0 1 2"
 *   orphan      leaves a grandchild behind: its pid
 *   due MS COMMAND   the request's deadline is in MS ms; then COMMAND
 *   deaf COMMAND     ignores SIGABRT from now on; then COMMAND
 *   leak MIB    "leaked", and keeps so much memory
 *   log N       "logged", after N lines of the most bytes a line may have, all LOG_MARK(pid)
 *
 * Files in SOCKET_DIR say how a worker starts and stops: `fail-start`, `hang-start`, `crash-start`, `hang-stop`. Every start adds a byte to the
 * file `starts`, every command run one to `runs`, a reload makes `reloaded`.
 */
#ifndef TESTS_ECHO_SERVICE_H
#define TESTS_ECHO_SERVICE_H

#include "pool_harness.h"

/* A control character, which the log writes in six: as long as a line can get. Neighbours' differ. */
#define LOG_MARK(pid) (1 + (int)((pid) % 31))

struct pool_service echo_service(const struct pool *p);

int echo_connect(const struct pool *p, enum group group); /* the descriptor or -errno; does not block */
int echo_open(
	const struct pool *p, enum group group, const char *command); /* connect and send; fails the test */
/* Everything up to the end of file, NUL-terminated. Its length, -ETIMEDOUT, or -errno. Closes `fd`. */
int echo_read(int fd, char *answer, size_t size, int64_t us);
/* One line; leaves `fd` open. */
int echo_read_line(int fd, char *answer, size_t size, int64_t us);
/* All in one; true when the answer came whole, that is ended by a newline. */
bool echo_ask(const struct pool *p, enum group group, const char *command, char *answer, size_t size);

int64_t file_bytes(const struct pool *p, const char *name); /* length of DIR/name, 0 if it is not there */

#endif
