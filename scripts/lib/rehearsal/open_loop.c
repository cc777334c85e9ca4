/*
 * Open-loop load over HTTP/1.1: requests start at random times of a given rate, whatever the answers do, and each is timed
 * from the moment it was to start. A closed loop, as wrk is one, asks less the slower it is answered: it overloads nothing.
 *
 *   open_loop ADDRESS:PORT SEED PATIENCE PHASE...     phases follow each other without a gap
 *
 * A phase is RATE:SECONDS, Poisson arrivals at so many a second, or CLIENTSc:SECONDS, a closed loop for comparison.
 * SIGTERM ends the load early: nothing starts any more, what has started is waited for.
 *
 * stdin is the mix: blocks of "NAME WEIGHT LENGTH\n" and LENGTH bytes of request, in which a run of # becomes as many
 * last digits of the request's number: with eight no two requests are alike, with two a hundred take turns. Several blocks
 * may have one name.
 * stdout has a line a request, at most 100 ms after its end: phase, name, number, then microseconds: when it was to start
 * (from the start of the load), how late it did, how long it took from when it was to start; what came: the status,
 * `refused` for 503 with Retry-After and a problem document, `lost` when the connection could not be made or broke,
 * `timeout` when nothing came within PATIENCE seconds; and the problem document's code, or -. A connection that was idle for
 * PATIENCE seconds is not used again: its server may be closing it just then, and a request would be lost by our fault.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <math.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	KINDS_MOST = 128,
	PHASES_MOST = 256,
	CONNECTIONS_MOST = 8192, /* more requests in flight than that: this is no open loop any more */
	HEAD_SIZE = 4096,
	DIGITS = 8,
	TICK_US = 100 * 1000,
};

struct kind {
	char name[16];
	double weight;
	size_t length;
	char *text;
};

struct phase {
	double rate;
	int clients; /* closed loop; 0: open */
	int64_t end; /* us from the start of the load */
};

struct request {
	const struct kind *kind;
	int phase;
	unsigned number;
	int64_t intended, started;
};

struct connection {
	int fd; /* 0: not connected */
	bool busy, closes;
	struct request request;
	int64_t idle_since;
	char head[HEAD_SIZE], what[16];
	size_t have;   /* of the head, and of a problem document, which is kept behind it */
	size_t body;   /* where in `head` a problem document that is kept begins; 0: there is none */
	long long due; /* bytes of the body still to come; -1: the head is not complete */
};

static struct kind kinds[KINDS_MOST];
static struct phase phases[PHASES_MOST];
static struct connection connections[CONNECTIONS_MOST];
static int kind_count, phase_count, connection_count, idle_count, in_flight;
static struct connection *idle[CONNECTIONS_MOST]; /* not busy, connected or not */
static unsigned numbers;
static int epoll;
static struct sockaddr_in server = { .sin_family = AF_INET };
static int64_t origin, patience;
static volatile sig_atomic_t stopped;

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000 - origin;
}

/* --- what is asked --- */

static void read_mix(void)
{
	struct kind *k = kinds;

	for (; scanf("%15s %lf %zu", k->name, &k->weight, &k->length) == 3 && getchar() == '\n'; k++) {
		k->text = calloc(1, k->length + 1);
		if (!k->text || fread(k->text, 1, k->length, stdin) != k->length ||
			++kind_count == KINDS_MOST)
			errx(2, "the mix is cut short, or too long");
	}
	if (!kind_count)
		errx(2, "no mix on stdin");
}

static void read_phases(char **text)
{
	int64_t end = 0;

	for (; *text; text++, phase_count++) {
		if (phase_count == PHASES_MOST)
			errx(2, "more than %d phases", PHASES_MOST);
		struct phase *p = &phases[phase_count];
		char *rest;
		p->rate = strtod(*text, &rest);
		if (*rest == 'c') {
			p->clients = (int)p->rate;
			rest++;
		}
		double seconds = *rest == ':' ? strtod(rest + 1, NULL) : 0;
		if (p->rate <= 0 || seconds <= 0)
			errx(2, "%s: not a phase", *text);
		end += (int64_t)(seconds * 1e6);
		p->end = end;
	}
}

static const struct kind *choose(void)
{
	double sum = 0;
	const struct kind *k;

	for (k = kinds; k < kinds + kind_count; k++)
		sum += k->weight;
	double point = drand48() * sum;
	for (k = kinds; k < kinds + kind_count - 1 && point >= k->weight; k++)
		point -= k->weight;
	return k;
}

/* --- one request --- */

/* The member `code` of a problem document that is kept, or -. */
static int code_of(const struct connection *c, const char **ret_code)
{
	static const char member[] = "\"code\":\"";
	const char *code = c->body ? strstr(c->head + c->body, member) : NULL;

	*ret_code = code ? code + sizeof member - 1 : "-";
	return code ? (int)strcspn(*ret_code, "\" \n") : 1;
}

static void report(const struct connection *c, const char *what)
{
	const struct request *r = &c->request;
	const char *code;
	int length = code_of(c, &code);

	printf("%d %s %0*u %lld %lld %lld %s %.*s\n", r->phase, r->kind->name, DIGITS, r->number,
		(long long)r->intended, (long long)(r->started - r->intended),
		(long long)(now_us() - r->intended), what, length, code);
}

static void hang_up(struct connection *c)
{
	close(c->fd);
	c->fd = 0;
}

/* An idle connection, the one used last, else a new one, not connected yet. */
static struct connection *take(void)
{
	if (!idle_count && connection_count == CONNECTIONS_MOST)
		errx(1, "%d requests in flight: more than an open loop can have here", in_flight);
	if (!idle_count)
		return &connections[connection_count++];
	struct connection *c = idle[--idle_count];
	if (c->fd > 0 && now_us() - c->idle_since > patience)
		hang_up(c);
	return c;
}

/* Blocks, for some 50 us: the address is of this machine. */
static bool connected(struct connection *c)
{
	static const int one = 1;
	struct epoll_event on_read = { .events = EPOLLIN, .data.ptr = c };

	if (c->fd > 0)
		return true;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0)
		err(1, "socket");
	return connect(c->fd, (struct sockaddr *)&server, sizeof server) == 0 &&
	       epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &on_read) == 0;
}

static void done(struct connection *c, const char *what)
{
	report(c, what);
	c->busy = false;
	in_flight--;
	c->idle_since = now_us();
	idle[idle_count++] = c;
	if (c->closes)
		hang_up(c);
}

/* No answer will come on this connection any more. */
static void give_up(struct connection *c, const char *what)
{
	c->body = 0;
	c->closes = true;
	done(c, what);
}

static void start(int phase, int64_t intended)
{
	const struct kind *k = choose();
	struct connection *c = take();
	char text[k->length + 1], digits[DIGITS + 1];

	c->busy = true;
	c->closes = false;
	c->have = c->body = 0;
	c->due = -1;
	c->request = (struct request){ k, phase, ++numbers, intended, now_us() };
	in_flight++;
	snprintf(digits, sizeof digits, "%0*u", DIGITS, c->request.number);
	memcpy(text, k->text, k->length + 1);
	for (char *p = strchr(text, '#'); p; p = strchr(p, '#')) {
		size_t run = strspn(p, "#") < DIGITS ? strspn(p, "#") : DIGITS;
		memcpy(p, digits + DIGITS - run, run);
	}
	if (!connected(c) || send(c->fd, text, k->length, MSG_NOSIGNAL) != (ssize_t)k->length)
		give_up(c, "lost");
}

/* --- its answer --- */

/* The value of a header in a complete head, or NULL. */
static const char *header(const char *head, const char *name)
{
	size_t length = strlen(name);

	for (const char *line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n"))
		if (!strncasecmp(line + 2, name, length) && line[2 + length] == ':')
			return line + 2 + length + 1 + strspn(line + 2 + length + 1, " ");
	return NULL;
}

static bool header_is(const char *head, const char *name, const char *start)
{
	const char *value = header(head, name);

	return value && !strncasecmp(value, start, strlen(start));
}

/* Takes what has come of the head; false: more has to. */
static bool head_complete(struct connection *c)
{
	char *end = strstr(c->head, "\r\n\r\n");
	if (!end)
		return false;
	size_t head = (size_t)(end + 4 - c->head);
	end[2] = '\0';
	const char *length = header(c->head, "Content-Length");
	bool problem = header_is(c->head, "Content-Type", "application/problem+json");
	snprintf(c->what, sizeof c->what, "%.3s", c->head + strcspn(c->head, " ") + 1);
	if (problem && !strcmp(c->what, "503") && header(c->head, "Retry-After"))
		snprintf(c->what, sizeof c->what, "refused");
	c->closes = header_is(c->head, "Connection", "close");
	if (!length)
		errx(1, "an answer without Content-Length:\n%s", c->head);
	c->due = strtoll(length, NULL, 10) - (long long)(c->have - head);
	if (problem && c->due >= 0 && c->have + (size_t)c->due < sizeof c->head)
		c->body = head;
	return true;
}

static void receive(struct connection *c)
{
	static char scrap[65536];
	bool in_head = c->busy && c->due < 0, kept = in_head || (c->busy && c->body);
	ssize_t n = recv(c->fd, kept ? c->head + c->have : scrap,
		kept ? sizeof c->head - 1 - c->have : sizeof scrap, MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		if (c->busy)
			give_up(c, "lost");
		else
			hang_up(c); /* the server has had enough of it */
		return;
	}
	if (kept) {
		c->have += (size_t)n;
		c->head[c->have] = '\0';
	}
	if (in_head) {
		if (!head_complete(c))
			return;
	} else {
		c->due -= n;
	}
	if (c->due == 0)
		done(c, c->what);
}

/* Every TICK_US: waits no longer for what has taken too long, and lets the reader see what came. */
static void tick(void)
{
	static int64_t next;
	int64_t now = now_us();

	if (now < next)
		return;
	next = now + TICK_US;
	for (struct connection *c = connections; c < connections + connection_count; c++)
		if (c->busy && now - c->request.intended > patience)
			give_up(c, "timeout");
	fflush(stdout);
}

/* Until then, but no longer than to the next tick. */
static void receive_until(int64_t at)
{
	struct epoll_event events[256];
	int64_t left = at - now_us();

	left = left < 0 ? 0 : left > TICK_US ? TICK_US : left;
	struct timespec wait = { .tv_nsec = left * 1000 };
	int n = epoll_pwait2(epoll, events, 256, &wait, NULL);
	for (int i = 0; i < n; i++)
		receive(events[i].data.ptr);
	tick();
}

/* --- the load --- */

static int64_t gap_us(double rate)
{
	return (int64_t)(-log(1 - drand48()) / rate * 1e6);
}

static void run_phase(int number, int64_t begin)
{
	const struct phase *p = &phases[number];
	int64_t now, next = p->clients ? p->end : begin + gap_us(p->rate);

	do {
		now = now_us();
		while (p->clients && in_flight < p->clients && now < p->end)
			start(number, now_us());
		for (; next <= now && next < p->end; next += gap_us(p->rate))
			start(number, next);
		receive_until(next < p->end ? next : p->end);
	} while (now < p->end && !stopped);
}

static void stop(int number)
{
	stopped = number;
}

static void read_server(char *text)
{
	char *colon = strchr(text, ':');

	if (colon)
		*colon = '\0';
	if (!colon || !inet_aton(text, &server.sin_addr))
		errx(2, "%s: not ADDRESS:PORT", text);
	server.sin_port = htons((uint16_t)strtol(colon + 1, NULL, 10));
}

int main(int argc, char **argv)
{
	struct rlimit files;

	if (argc < 5)
		errx(2, "usage: open_loop ADDRESS:PORT SEED PATIENCE PHASE...");
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	signal(SIGTERM, stop);
	read_server(argv[1]);
	srand48(strtol(argv[2], NULL, 10));
	patience = (int64_t)(strtod(argv[3], NULL) * 1e6);
	read_phases(argv + 4);
	read_mix();
	epoll = epoll_create1(EPOLL_CLOEXEC);
	origin = now_us();
	for (int i = 0; i < phase_count && !stopped; i++)
		run_phase(i, i ? phases[i - 1].end : 0);
	while (in_flight)
		receive_until(INT64_MAX);
	return 0;
}
