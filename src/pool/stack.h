/*
 * A worker's own stack in the log. When a request is late the master asks for it, once, by a signal; killing comes later.
 * The worker writes one line, "message":"stack", with what it is doing and its frames, innermost first, each as
 * MODULE+0xOFFSET: `addr2line -fie MODULE 0xOFFSET` names function and line. Offsets of callers are of their call's last
 * byte, so that the line is that of the call.
 */
#ifndef POOL_STACK_H
#define POOL_STACK_H

#include <signal.h>
#include <stdbool.h>

#include "pool/scoreboard.h"

enum { STACK_SIGNAL = SIGUSR2 };

/* In the master, before the first fork: loads the unwinder, so that workers share its pages and start the sooner. */
void stack_prepare(void);

/* In a worker, the signal still blocked, when all libraries are loaded. */
void stack_open(const struct slot *slot);

/* Lets the signal in or keeps it out, as at first; asked for meanwhile, the stack is written when it is let in, if the
 * request is still late. Let in only while nothing runs that takes EINTR for an error: on a socket with SO_RCVTIMEO even
 * SA_RESTART does not spare a read from it (signal(7)), and libfcgi drops the request. */
void stack_allow(bool allowed);

#endif
