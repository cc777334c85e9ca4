/*
 * Whom an address stands for, when requests are counted.
 */
#ifndef BASE_ADDRESS_H
#define BASE_ADDRESS_H

enum { ADDRESS_BLOCK_SIZE = 64 };

/* An IPv4 address stands for itself, also written as IPv6 (RFC 4291 section 2.5.5.2); an IPv6 address for its /64, which is
 * what one customer gets at least (RFC 6177): "2001:db8:0:1::/64". What is no address is taken as it is, cut to fit. */
void address_block(const char *text, char ret_block[ADDRESS_BLOCK_SIZE]);

#endif
