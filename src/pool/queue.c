/* The queue of a listening Unix socket: sock_diag first (what `ss -xl` uses), /proc/net/unix where it is missing. */
#include "pool/queue.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* From include/net/tcp_states.h, which is not exported; the diag filter is a mask of 1 << state. */
enum { STATE_LISTEN = 10 };

static int diag_ask(int fd, uint64_t inode)
{
	struct {
		struct nlmsghdr head;
		struct unix_diag_req body;
	} ask = {
		.head = { .nlmsg_len = sizeof ask,
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST },
		.body = { .sdiag_family = AF_UNIX,
			.udiag_states = 1U << STATE_LISTEN,
			.udiag_ino = (uint32_t)inode,
			.udiag_show = UDIAG_SHOW_RQLEN,
			.udiag_cookie = { UINT32_MAX, UINT32_MAX } }, /* INET_DIAG_NOCOOKIE: any */
	};

	return send(fd, &ask, sizeof ask, 0) < 0 ? -errno : 0;
}

static int diag_answer(int fd, struct queue *ret_queue)
{
	alignas(struct nlmsghdr) char answer[1024];
	struct nlmsghdr *head = (struct nlmsghdr *)answer;
	/* The kernel answers within send(): there is nothing to wait for. */
	ssize_t n = recv(fd, answer, sizeof answer, MSG_DONTWAIT);

	if (n < 0)
		return -errno;
	if (!NLMSG_OK(head, (size_t)n))
		return -EPROTO;
	if (head->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *why = NLMSG_DATA(head);
		return why->error ? why->error : -EPROTO;
	}
	struct unix_diag_msg *body = NLMSG_DATA(head);
	size_t left = head->nlmsg_len - NLMSG_LENGTH(sizeof *body);
	for (struct rtattr *a = (struct rtattr *)(body + 1); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (a->rta_type != UNIX_DIAG_RQLEN)
			continue;
		const struct unix_diag_rqlen *length = RTA_DATA(a);
		*ret_queue = (struct queue){ length->udiag_rqueue, length->udiag_wqueue };
		return 0;
	}
	return -EPROTO;
}

int queue_by_diag(uint64_t inode, struct queue *ret_queue)
{
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	if (fd < 0)
		return -errno;
	int err = diag_ask(fd, inode);
	if (!err)
		err = diag_answer(fd, ret_queue);
	close(fd);
	return err;
}

/* A row: "0000000000000000: 00000002 00000000 00010000 0001 02 4242 /run/agrobridge/main.sock"; St 02 is one that has
 * connected and waits to be accepted. */
static bool row_waits_for(const char *row, const char *path)
{
	char state[3], name[128];

	return sscanf(row, "%*s %*s %*s %*s %*s %2s %*s %127s", state, name) == 2 &&
	       strcmp(state, "02") == 0 && strcmp(name, path) == 0;
}

int queue_by_table(const char *table, const char *path, int64_t *ret_depth)
{
	char row[256];
	int64_t depth = 0;
	FILE *rows = fopen(table, "re");

	if (!rows)
		return -errno;
	while (fgets(row, sizeof row, rows))
		depth += row_waits_for(row, path);
	fclose(rows);
	*ret_depth = depth;
	return 0;
}

struct queue queue_measure(uint64_t inode, const char *path, int backlog)
{
	struct queue q = { 0, backlog };

	/* No such socket means that the pool has closed it: nothing waits. */
	int err = queue_by_diag(inode, &q);
	if (err && err != -ENOENT && queue_by_table("/proc/net/unix", path, &q.depth))
		q.depth = 0;
	return q;
}
