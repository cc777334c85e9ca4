/*
 * A relay between the code under test and PostgreSQL, in a process of its own: it counts round trips, and cuts a connection
 * between any two messages of the protocol. It dies with the test.
 */
#ifndef TESTS_STORE_RELAY_H
#define TESTS_STORE_RELAY_H

#include <stdint.h>
#include <sys/types.h>

enum relay_side { FROM_CLIENT, FROM_SERVER };

struct relay {
	pid_t pid; /* for SIGSTOP: then neither side hears anything more, as when a network is blackholed */
	int port;
	struct relay_state {
		int bursts; /* how often the client spoke after the server had, since it was last set to 0 */
		int messages;    /* of `side` that were let through since the cut was set */
		int cuts;        /* connections cut */
		int connections; /* that clients have made */
		int answer_ms;   /* how long what the server says waits here */
		/* The connection is cut when this side begins message `let_through` + 1; below 0: never. */
		enum relay_side side;
		int let_through;
	} volatile *state; /* shared with its process */
};

/* Listens on a free loopback port and connects each caller to the server of AGROBRIDGE_DATABASE_URL. */
void relay_start(struct relay *r);
void relay_stop(struct relay *r);
/* Sets the cut. The connection must be up and idle: messages are counted from their boundary. */
void relay_cut(struct relay *r, enum relay_side side, int let_through);
/* The application's URL through the relay. */
const char *relay_url(const struct relay *r);

#endif
