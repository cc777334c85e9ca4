/*
 * A FastCGI client that owes libfcgi nothing: every byte of a record can be chosen, so that it can send what a good client
 * never would. It speaks to a socket path; what it hears it parses strictly (FastCGI Specification 1.0, sections 3 to 5).
 *
 *   struct fcgi_client c;
 *   fcgi_open(&c, path);
 *   fcgi_send_begin(&c);
 *   fcgi_send_params(&c, "POST", "/v1/lots", 12);
 *   fcgi_send_body(&c, "{\"code\":\"A\"}", 12);
 *   fcgi_send_end(&c);
 *   ck_assert_int_eq(fcgi_read(&c, SECONDS(2)), FCGI_ANSWERED);
 *   ck_assert_int_eq(fcgi_status(&c), 201);
 *   fcgi_close(&c);
 *
 * Sending never fails the test: a server may well close first. What was not sent counts in `unsent`.
 */
#ifndef TESTS_FCGI_CLIENT_H
#define TESTS_FCGI_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Section 8. */
enum fcgi_type {
	FCGI_BEGIN_REQUEST = 1,
	FCGI_ABORT_REQUEST,
	FCGI_END_REQUEST,
	FCGI_PARAMS,
	FCGI_STDIN,
	FCGI_STDOUT,
	FCGI_STDERR,
	FCGI_DATA,
	FCGI_GET_VALUES,
	FCGI_GET_VALUES_RESULT,
	FCGI_UNKNOWN_TYPE,
};
enum { FCGI_RESPONDER = 1, FCGI_AUTHORIZER, FCGI_FILTER };
enum { FCGI_KEEP_CONN = 1, FCGI_RECORD_MAX = 65535, FCGI_REQUEST_ID = 1 };

struct fcgi_client {
	int fd;
	size_t chunk;    /* bytes a write; 0: as many as there are, 1: byte by byte */
	int pause_us;    /* between writes */
	uint8_t padding; /* after each record that a helper below makes */
	size_t unsent;   /* bytes the server did not take any more */

	/* The answer, once it was read. */
	char *out, *err; /* STDOUT and STDERR, NUL-terminated */
	size_t out_length, err_length;
	uint32_t app_status;
	uint8_t protocol_status;
	unsigned others; /* records of other types or requests: GET_VALUES_RESULT, UNKNOWN_TYPE */
};

/* Connects; 0 or -errno. The structure is set anew. */
int fcgi_open(struct fcgi_client *c, const char *path);
void fcgi_attach(struct fcgi_client *c, int fd); /* on a descriptor of one's own */
void fcgi_close(struct fcgi_client *c);
void fcgi_half_close(struct fcgi_client *c); /* nothing more will be sent */

/* --- bytes and records, as odd as wanted --- */

void fcgi_send_bytes(struct fcgi_client *c, const void *bytes, size_t n);
/* One record; content of at most FCGI_RECORD_MAX bytes. */
void fcgi_send_record(
	struct fcgi_client *c, uint8_t type, uint16_t id, const void *content, size_t n, uint8_t padding);
/* The first `keep` bytes of that record: one cut off anywhere. */
void fcgi_send_cut(
	struct fcgi_client *c, uint8_t type, uint16_t id, const void *content, size_t n, size_t keep);

/* Name-value pairs (section 3.4), collected before they are sent. */
struct fcgi_pairs {
	unsigned char bytes[1 << 18];
	size_t length;
};
void fcgi_pairs_add(struct fcgi_pairs *p, const char *name, const char *value);
/* The lengths as told, whatever follows; in four bytes each. */
void fcgi_pairs_lie(struct fcgi_pairs *p, uint32_t name_length, uint32_t value_length, const char *bytes);
/* As PARAMS records of at most `most` bytes each (0: FCGI_RECORD_MAX), without the empty one that ends them. */
void fcgi_send_pairs(struct fcgi_client *c, const struct fcgi_pairs *p, size_t most);

/* --- an ordinary request --- */

void fcgi_send_begin(struct fcgi_client *c); /* BEGIN_REQUEST: responder, connection not kept */
/* The parameters nginx would send, and the end of them. A negative body length leaves CONTENT_LENGTH out. */
void fcgi_send_params(struct fcgi_client *c, const char *method, const char *target, int64_t body_length);
void fcgi_send_body(struct fcgi_client *c, const void *body, size_t n); /* STDIN records, not ended */
void fcgi_send_end(struct fcgi_client *c);                              /* the empty STDIN record */
void fcgi_send_abort(struct fcgi_client *c);
/* All of the above: begin, params, body if any, end. */
void fcgi_send_request(struct fcgi_client *c, const char *method, const char *target, const char *body);

/* --- the answer --- */

enum fcgi_outcome {
	FCGI_ANSWERED, /* up to END_REQUEST and the end of STDOUT */
	FCGI_CLOSED,   /* end of file or a reset before a single byte: nothing was run, or it died */
	FCGI_CUT,      /* end of file in the middle */
	FCGI_GARBAGE,  /* not FastCGI, or against its order */
	FCGI_TIMEOUT,
};
enum fcgi_outcome fcgi_read(struct fcgi_client *c, int64_t us);

/* Of an answer: the number after "Status:" (200 without one, -1 if there is no header block), a header's value or NULL (in
 * a buffer used again), and the body. */
int fcgi_status(const struct fcgi_client *c);
const char *fcgi_header(const struct fcgi_client *c, const char *name);
const char *fcgi_body(const struct fcgi_client *c);

#endif
