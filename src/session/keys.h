/*
 * The names of everything kept in Redis. All of it may vanish at any time.
 */
#ifndef SESSION_KEYS_H
#define SESSION_KEYS_H

#define KEY_SESSION       "s:%s"        /* hex SHA-256 of an access token -> copy of its session, 30 s */
#define KEY_RATE_USER     "r:u:"        /* + user id + ":" + minute -> requests, by a script */
#define KEY_RATE_ADDRESS  "r:a:%s:%lld" /* address, minute -> requests */
#define KEY_LOGIN_ACCOUNT "l:a:%s"      /* hex SHA-256 of account and address -> failed logins, 15 min */
#define KEY_LOGIN_ADDRESS "l:i:%s"      /* address -> failed logins, 15 min */

#endif
