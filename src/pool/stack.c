/* The signal's handler and what it needs ready: it may interrupt anything, malloc() and stdio included, so it calls
 * neither, nor dladdr(). Unwinding allocates and locks nothing once the unwinder is loaded. */
#include "pool/stack.h"

#include <errno.h>
#include <execinfo.h>
#include <link.h>
#include <stdalign.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "pool/view.h"

enum {
	/* What the kernel saves (up to 11 KiB with AVX-512's and AMX's registers), 5 KiB of ours, 4 KiB of the unwinder's:
	 * three times that. Pages never touched cost nothing. */
	STACK_SIZE = 64 << 10,
	FRAMES_MAX = 128, /* with 30 bytes each they fill the line */
	MODULES_MAX = 64, /* the program has 33 */
	HEX = 16,
	DECIMAL = 10,
};

struct module {
	const char *name; /* the loader's own, or program_name: nothing is ever unloaded */
	uintptr_t base, low, high;
};

/* The worker's context. */
static const struct slot *worker_slot;
static struct module modules[MODULES_MAX];
static size_t module_count;
static char program_name[256];
static alignas(16) char stack[STACK_SIZE];

/* --- one line, without stdio --- */

struct line {
	size_t n, room; /* what passes `room` is left out, and `full` stays set */
	bool full;
	char text[LOG_LINE_MAX];
};

static void put_char(struct line *l, char c)
{
	if (l->n < l->room)
		l->text[l->n++] = c;
	else
		l->full = true;
}

static void put(struct line *l, const char *text)
{
	while (*text)
		put_char(l, *text++);
}

/* What JSON would have to escape is shown as a question mark. */
static void put_value(struct line *l, const char *text)
{
	for (; *text; text++)
		put_char(l, *text < ' ' || *text > '~' || *text == '"' || *text == '\\' ? '?' : *text);
}

static void put_number(struct line *l, uint64_t value, unsigned base)
{
	char digits[20]; /* of 2^64 in decimal */
	int n = 0;

	do
		digits[n++] = "0123456789abcdef"[value % base];
	while (value /= base);
	while (n)
		put_char(l, digits[--n]);
}

static void put_field(struct line *l, const char *name, const char *value)
{
	put(l, ",\"");
	put(l, name);
	put(l, "\":\"");
	put_value(l, value);
	put(l, "\"");
}

/* --- frames --- */

static const struct module *module_of(uintptr_t at)
{
	for (size_t i = 0; i < module_count; i++)
		if (at >= modules[i].low && at < modules[i].high)
			return &modules[i];
	return NULL;
}

/* What does not fit is left out whole. */
static void put_frame(struct line *l, uintptr_t at, bool first)
{
	const struct module *m = module_of(at);
	size_t before = l->n;

	put(l, first ? "\"" : ",\"");
	put_value(l, m ? m->name : "?");
	put(l, "+0x");
	put_number(l, at - (m ? m->base : 0), HEX);
	put(l, "\"");
	if (l->full)
		l->n = before;
}

/* Where the handler came in between; 0 where we do not know how to tell: its own frames are then shown too. */
static uintptr_t interrupted_at(const void *context)
{
	const ucontext_t *c = context;

#if defined(__x86_64__)
	return (uintptr_t)c->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	return (uintptr_t)c->uc_mcontext.pc;
#else
	(void)c;
	return 0;
#endif
}

static void put_frames(struct line *l, uintptr_t interrupted)
{
	void *frames[FRAMES_MAX];
	int n = backtrace(frames, FRAMES_MAX), first = 0;

	while (first < n && (uintptr_t)frames[first] != interrupted)
		first++;
	first %= MAX(n, 1); /* not among them: all */
	for (int i = first; i < n && !l->full; i++)
		put_frame(l, (uintptr_t)frames[i] - (i > first), i == first);
}

/* --- the signal --- */

static void write_stack(const struct worker_view *v, uintptr_t interrupted)
{
	static const char end[] = "]}\n";
	struct line l = { .room = LOG_LINE_MAX - (sizeof end - 1) };
	char now[TIME_TEXT_SIZE];

	time_to_text(clock_wall(), now);
	put(&l, "{\"time\":\"");
	put(&l, now);
	put(&l, "\",\"level\":\"error\",\"pid\":");
	put_number(&l, (uint64_t)getpid(), DECIMAL);
	put_field(&l, "message", "stack");
	put_field(&l, "request_id", v->request_id);
	put_field(&l, "route", v->route);
	put_field(&l, "stage", v->stage);
	put_field(&l, "query", v->query);
	put(&l, ",\"in_ms\":");
	put_number(&l, (uint64_t)(v->in_us / US_PER_MS), DECIMAL);
	put(&l, ",\"frames\":[");
	put_frames(&l, interrupted);
	memcpy(l.text + l.n, end, sizeof end - 1);
	ssize_t n = write(STDERR_FILENO, l.text, l.n + sizeof end - 1);
	(void)n; /* nowhere to say that the log is gone */
}

static void on_stack_signal(int signal, siginfo_t *info, void *context)
{
	int saved = errno;
	struct worker_view v;

	(void)signal;
	(void)info;
	/* The request it was asked for may be over. */
	if (view_slot(worker_slot, &v) && v.late_us)
		write_stack(&v, interrupted_at(context));
	errno = saved;
}

/* --- before --- */

/* A dl_iterate_phdr() callback: the span of addresses of one module. */
static int module_add(struct dl_phdr_info *info, size_t size, void *data)
{
	struct module m = { .name = *info->dlpi_name ? info->dlpi_name : program_name,
		.base = info->dlpi_addr,
		.low = UINTPTR_MAX };

	(void)size;
	(void)data;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		if (p->p_type != PT_LOAD)
			continue;
		m.low = MIN(m.low, m.base + p->p_vaddr);
		m.high = MAX(m.high, m.base + p->p_vaddr + p->p_memsz);
	}
	modules[module_count++] = m;
	return module_count == MODULES_MAX;
}

void stack_prepare(void)
{
	void *frame;

	backtrace(&frame, 1);
}

void stack_open(const struct slot *slot)
{
	const stack_t own = { .ss_sp = stack, .ss_size = sizeof stack };
	struct sigaction action = { .sa_sigaction = on_stack_signal,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART };

	stack_prepare(); /* loaded or not: never in the handler */
	ssize_t n = readlink("/proc/self/exe", program_name, sizeof program_name - 1);
	program_name[MAX(n, 0)] = '\0';
	worker_slot = slot;
	module_count = 0;
	dl_iterate_phdr(module_add, NULL);
	sigfillset(&action.sa_mask);
	sigaltstack(&own, NULL);
	sigaction(STACK_SIGNAL, &action, NULL);
}

void stack_allow(bool allowed)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, STACK_SIGNAL);
	sigprocmask(allowed ? SIG_UNBLOCK : SIG_BLOCK, &set, NULL);
}
