/*
 * HTTP as numbers: the statuses this API answers with and their reason phrases (RFC 9110 section 15, RFC 6585), which
 * serve as the titles of problems (RFC 9457 section 4.2.1).
 */
#ifndef HTTP_STATUS_H
#define HTTP_STATUS_H

const char *http_status_phrase(int status); /* "Not Found"; "" for one that is not in the list */

#endif
