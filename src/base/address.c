/* Addresses as limits see them. */
#include "base/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

void address_block(const char *text, char ret_block[ADDRESS_BLOCK_SIZE])
{
	struct in6_addr a;
	char shown[INET6_ADDRSTRLEN];

	if (inet_pton(AF_INET6, text, &a) != 1) {
		snprintf(ret_block, ADDRESS_BLOCK_SIZE, "%s", text);
	} else if (IN6_IS_ADDR_V4MAPPED(&a)) {
		inet_ntop(AF_INET, a.s6_addr + 12, ret_block, ADDRESS_BLOCK_SIZE);
	} else {
		memset(a.s6_addr + 8, 0, 8);
		inet_ntop(AF_INET6, &a, shown, sizeof shown);
		snprintf(ret_block, ADDRESS_BLOCK_SIZE, "%s/64", shown);
	}
}
