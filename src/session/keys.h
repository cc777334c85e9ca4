/*
 * The names of everything kept in Redis. All of it may vanish at any time. A rate is two counts and the moment at which
 * their window began, us of Redis's clock (session/rate.h); it dies when nothing of it counts any more.
 */
#ifndef SESSION_KEYS_H
#define SESSION_KEYS_H

#define KEY_SESSION       "s:%s"   /* hex SHA-256 of an access token -> copy of its session, 30 s */
#define KEY_RATE_USER     "r:u:"   /* + user id -> rate of its requests; also made by a script */
#define KEY_RATE_ADDRESS  "r:a:%s" /* address block -> rate of its requests */
#define KEY_LOGIN_ACCOUNT "l:u:%s" /* hex SHA-256 of account and address block -> rate of failed logins */
#define KEY_LOGIN_ADDRESS "l:n:%s" /* address block -> rate of failed logins */

#endif
