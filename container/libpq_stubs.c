/*
 * What Debian's static libpq calls of Kerberos and LDAP, so that the image needs neither. src/store asks for no GSSAPI, and
 * the image has no service file that could name a directory: only a server that insists on Kerberos gets here, and fails.
 * A call that is missing here fails the link.
 */
#include <stddef.h>

#define GSS_S_FAILURE (13U << 16) /* RFC 2744, 3.9.1 */

#define NO_GSSAPI(name)                                                                                      \
	unsigned name(void)                                                                                  \
	{                                                                                                    \
		return GSS_S_FAILURE;                                                                        \
	}
#define NO_LDAP(name)                                                                                        \
	void *name(void)                                                                                     \
	{                                                                                                    \
		return NULL;                                                                                 \
	}

const void *const GSS_C_NT_HOSTBASED_SERVICE = NULL;
NO_GSSAPI(gss_acquire_cred)
NO_GSSAPI(gss_delete_sec_context)
NO_GSSAPI(gss_display_status)
NO_GSSAPI(gss_import_name)
NO_GSSAPI(gss_init_sec_context)
NO_GSSAPI(gss_release_buffer)
NO_GSSAPI(gss_release_cred)
NO_GSSAPI(gss_release_name)
NO_GSSAPI(gss_unwrap)
NO_GSSAPI(gss_wrap)
NO_GSSAPI(gss_wrap_size_limit)

NO_LDAP(ldap_count_entries)
NO_LDAP(ldap_err2string)
NO_LDAP(ldap_first_entry)
NO_LDAP(ldap_get_values_len)
NO_LDAP(ldap_init)
NO_LDAP(ldap_msgfree)
NO_LDAP(ldap_result)
NO_LDAP(ldap_search_st)
NO_LDAP(ldap_set_option)
NO_LDAP(ldap_simple_bind)
NO_LDAP(ldap_unbind)
NO_LDAP(ldap_value_free_len)
