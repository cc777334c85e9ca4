/* Names to addresses: getaddrinfo_a() and a deadline. */
#include "base/resolve.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"

enum { NAME_SIZE = 254 }; /* RFC 1035 section 2.3.4 allows 253 characters */

/* A result that was left behind longer ago than this may name a server that has moved since. */
#define FRESH_US (30 * US_PER_SECOND)

/* What the helper thread reads and writes: not ours to free before it is done. */
struct resolver_job {
	struct gaicb request;
	struct addrinfo hints;
	int64_t started;
	char host[NAME_SIZE];
};

static bool is_address(const char *host)
{
	struct in6_addr any;

	return inet_pton(AF_INET, host, &any) == 1 || inet_pton(AF_INET6, host, &any) == 1;
}

static bool job_is_running(struct resolver_job *job)
{
	return gai_error(&job->request) == EAI_INPROGRESS;
}

static void job_free(struct resolver_job *job)
{
	if (job->request.ar_result)
		freeaddrinfo(job->request.ar_result);
	free(job);
}

/* NULL: no memory, or no thread to be had. */
static struct resolver_job *job_start(const char *host)
{
	struct resolver_job *job = calloc(1, sizeof *job);

	if (!job)
		return NULL;
	struct gaicb *list[] = { &job->request };
	snprintf(job->host, sizeof job->host, "%s", host);
	job->started = clock_now();
	job->hints = (struct addrinfo){ .ai_flags = AI_ADDRCONFIG, .ai_socktype = SOCK_STREAM };
	job->request = (struct gaicb){ .ar_name = job->host, .ar_request = &job->hints };
	if (getaddrinfo_a(GAI_NOWAIT, list, 1, NULL)) {
		job_free(job);
		return NULL;
	}
	return job;
}

/* False: the deadline came first. */
static bool job_await(struct resolver_job *job, struct deadline d)
{
	const struct gaicb *list[] = { &job->request };

	while (job_is_running(job)) {
		int64_t left = deadline_left(d);
		struct timespec t = { left / US_PER_SECOND, left % US_PER_SECOND * 1000 };
		if (!left)
			return false;
		gai_suspend(list, 1, &t); /* whatever it says, the loop asks the job itself */
	}
	return true;
}

static int address_text(const struct addrinfo *a, char text[ADDRESS_TEXT_SIZE])
{
	const void *address =
		a->ai_family == AF_INET6
			? (const void *)&((const struct sockaddr_in6 *)(const void *)a->ai_addr)->sin6_addr
			: (const void *)&((const struct sockaddr_in *)(const void *)a->ai_addr)->sin_addr;

	return inet_ntop(a->ai_family, address, text, ADDRESS_TEXT_SIZE) ? 0 : -ERR_UNAVAILABLE;
}

static int job_take(struct resolver *r, const struct resolver_job *job, char ret_address[ADDRESS_TEXT_SIZE])
{
	const struct addrinfo *a;

	r->count = 0;
	for (a = job->request.ar_result; a; a = a->ai_next)
		r->count++;
	if (!r->count)
		return -ERR_UNAVAILABLE;
	a = job->request.ar_result;
	for (unsigned skip = r->turn % r->count; skip; skip--)
		a = a->ai_next;
	return address_text(a, ret_address);
}

int resolve(struct resolver *r, const char *host, struct deadline d, char ret_address[ADDRESS_TEXT_SIZE])
{
	int64_t oldest = clock_now() - FRESH_US;

	if (is_address(host)) {
		r->count = 1;
		memcpy(ret_address, host, strlen(host) + 1);
		return 0;
	}
	if (strlen(host) >= NAME_SIZE)
		return -ERR_UNAVAILABLE;
	for (;;) {
		if (!r->job && !(r->job = job_start(host)))
			return -ERR_UNAVAILABLE;
		struct resolver_job *job = r->job;
		if (!job_await(job, d))
			return -ERR_UNAVAILABLE;
		bool wanted = job->started >= oldest && strcmp(job->host, host) == 0;
		int err = wanted ? job_take(r, job, ret_address) : 0;
		r->job = NULL;
		job_free(job);
		if (wanted)
			return err;
	}
}

bool resolver_next(struct resolver *r)
{
	r->turn++;
	if (r->turn < r->count)
		return true;
	r->turn = 0;
	return false;
}

void resolver_release(struct resolver *r)
{
	if (r->job && gai_cancel(&r->job->request) != EAI_NOTCANCELED)
		job_free(r->job);
	*r = (struct resolver){ 0 };
}
