/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The log of a YubiHSM 2, through the vendor's libyubihsm.  It is no package
 * of Debian, so nothing of it is needed to build: the few calls are declared
 * here, from the vendor's documentation.  Its PKCS#11 PIN is the ID of an
 * authentication key in four hexadecimal digits and that key's password, so
 * the PIN that the TPM released opens this session too.
 *
 * Tried with a stand-in only (tests/lib/fake_yubihsm.c), never with the
 * device.
 */

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "hsm/token_log_ops.h"
#include "lib/hex.h"

#define KEY_DIGITS 4u

/* yh_log_entry, packed, in the byte order of this machine */
struct yh_entry {
	uint16_t number;
	uint8_t command;
	uint16_t length, session_key, target_key, second_key;
	uint8_t result;
	uint32_t tick;
	uint8_t digest[TOKEN_LOG_DIGEST_LEN];
} __attribute__((packed));
_Static_assert(sizeof(struct yh_entry) == TOKEN_LOG_ENTRY_LEN, "as on wire");

/* The library's own; yh_rc 0 is success. */
struct yh_connector;
struct yh_session;
struct yh_calls {
	int (*init)(void);
	int (*init_connector)(const char *url, struct yh_connector **ret);
	int (*connect)(struct yh_connector *c, int timeout_s);
	int (*disconnect)(struct yh_connector *c);
	int (*device_info)(struct yh_connector *c, uint8_t *major,
	    uint8_t *minor, uint8_t *patch, uint32_t *serial,
	    uint8_t *log_total, uint8_t *log_used, void *algorithms,
	    size_t *n_algorithms);
	int (*create_session)(struct yh_connector *c, uint16_t key,
	    const uint8_t *password, size_t len, bool recreate,
	    struct yh_session **ret);
	int (*authenticate)(struct yh_session *s);
	int (*get_log)(struct yh_session *s, uint16_t *boots, uint16_t *logins,
	    struct yh_entry *out, size_t *n);
	int (*set_index)(struct yh_session *s, uint16_t number);
	int (*close_session)(struct yh_session *s);
	int (*destroy_session)(struct yh_session **s);
	const char *(*error)(int rc);
};

#define CALL(member, symbol)                               \
	{                                                  \
		offsetof(struct yh_calls, member), #symbol \
	}
static const struct {
	size_t at;
	const char *symbol;
} calls[] = {
	CALL(init, yh_init),
	CALL(init_connector, yh_init_connector),
	CALL(connect, yh_connect),
	CALL(disconnect, yh_disconnect),
	CALL(device_info, yh_util_get_device_info),
	CALL(create_session, yh_create_session_derived),
	CALL(authenticate, yh_authenticate_session),
	CALL(get_log, yh_util_get_log_entries),
	CALL(set_index, yh_util_set_log_index),
	CALL(close_session, yh_util_close_session),
	CALL(destroy_session, yh_destroy_session),
	CALL(error, yh_strerror),
};

struct token_log_dev {
	void *library; /* stays: what it started may outlive us */
	struct yh_calls y;
	struct yh_connector *connector;
	struct yh_session *session;
};

/* The one converter of yh_rc. */
static int
fail(struct token_log_dev *v, int rc, int code, const char *what,
    struct diag *d)
{
	return diag_fail(d, code, NULL, "%s: %d: %s", what, rc, v->y.error(rc));
}

static void
yubihsm_logout(struct token_log_dev *v)
{
	if (v->session == NULL)
		return;
	(void)v->y.close_session(v->session);
	(void)v->y.destroy_session(&v->session);
	v->session = NULL;
}

static void
yubihsm_close(struct token_log_dev **pv)
{
	struct token_log_dev *v = take_ptr(*pv);

	if (v == NULL)
		return;
	yubihsm_logout(v);
	if (v->connector != NULL)
		(void)v->y.disconnect(v->connector);
	free(v);
}
#define _cleanup_dev_ _cleanup_(yubihsm_close)

static int
load(struct token_log_dev *v, const char *path, struct diag *d)
{
	void *f;
	size_t i;

	if (path[0] != '/')
		return diag_fail(d, CS_E_HSM_LOG_LIBRARY, "an absolute path",
		    "\"%s\"", path);
	v->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (v->library == NULL)
		return diag_fail(d, CS_E_HSM_LOG_LIBRARY, "a shared library",
		    "%s", dlerror());
	for (i = 0; i < ARRAY_LEN(calls); i++) {
		f = dlsym(v->library, calls[i].symbol);
		if (f == NULL)
			return diag_fail(d, CS_E_HSM_LOG_LIBRARY,
			    calls[i].symbol, "%s has none", path);
		memcpy((char *)&v->y + calls[i].at, &f, sizeof(f));
	}
	return 0;
}

static int
yubihsm_open(const char *library, const char *connector,
    struct token_log_dev **ret, struct diag *d)
{
	_cleanup_dev_ struct token_log_dev *v = calloc(1, sizeof(*v));
	int r, rc;

	if (v == NULL)
		return diag_nomem(d);
	r = load(v, library, d);
	if (r != 0)
		return r;
	rc = v->y.init();
	if (rc == 0)
		rc = v->y.init_connector(connector, &v->connector);
	if (rc == 0)
		rc = v->y.connect(v->connector, 0);
	if (rc != 0)
		return fail(v, rc, CS_E_HSM_LOG_LIBRARY, connector, d);
	*ret = take_ptr(v);
	return 0;
}

static int
yubihsm_room(struct token_log_dev *v, uint32_t *ret_total, uint32_t *ret_used,
    struct diag *d)
{
	uint8_t version[3], total = 0, used = 0;
	uint32_t serial = 0;
	int rc;

	rc = v->y.device_info(v->connector, &version[0], &version[1],
	    &version[2], &serial, &total, &used, NULL, NULL);
	if (rc != 0)
		return fail(v, rc, CS_E_HSM_LOG_READ, "device info", d);
	if (used > total)
		return diag_fail(d, CS_E_HSM_LOG_FORMAT, "at most all entries",
		    "%u of %u", used, total);
	*ret_total = total;
	*ret_used = used;
	return 0;
}

static int
yubihsm_login(struct token_log_dev *v, struct secret *pin, struct diag *d)
{
	const uint8_t *p = secret_data(pin);
	const size_t len = secret_len(pin);
	char digits[KEY_DIGITS + 1] = "";
	uint8_t id[2];
	int rc;

	if (len > KEY_DIGITS)
		memcpy(digits, p, KEY_DIGITS);
	if (hex_decode(digits, id, sizeof(id)) != 0)
		return diag_fail(d, CS_E_HSM_LOG_PIN,
		    "four hexadecimal digits and a password", "another PIN");
	yubihsm_logout(v);
	rc = v->y.create_session(v->connector, (uint16_t)(id[0] << 8 | id[1]),
	    p + KEY_DIGITS, len - KEY_DIGITS, false, &v->session);
	if (rc == 0)
		rc = v->y.authenticate(v->session);
	return rc == 0 ? 0 : fail(v, rc, CS_E_HSM_LOG_READ, "session", d);
}

static void
take(const struct yh_entry *in, struct token_log_entry *out)
{
	*out = (struct token_log_entry){
		.number = in->number,
		.command = in->command,
		.length = in->length,
		.session_key = in->session_key,
		.target_key = in->target_key,
		.second_key = in->second_key,
		.result = in->result,
		.tick = in->tick,
	};
	memcpy(out->digest, in->digest, sizeof(out->digest));
}

static int
yubihsm_read(struct token_log_dev *v, struct token_log *ret, struct diag *d)
{
	struct yh_entry e[TOKEN_LOG_MAX];
	size_t n = TOKEN_LOG_MAX, i;
	int rc;

	if (v->session == NULL)
		return diag_fail(d, CS_E_HSM_LOG_READ, "a session", "none");
	memset(ret, 0, sizeof(*ret));
	rc = v->y.get_log(v->session, &ret->unlogged_boots,
	    &ret->unlogged_logins, e, &n);
	if (rc != 0)
		return fail(v, rc, CS_E_HSM_LOG_READ, "log entries", d);
	if (n > TOKEN_LOG_MAX)
		return diag_fail(d, CS_E_HSM_LOG_FORMAT, "at most 64 entries",
		    "%zu", n);
	for (i = 0; i < n; i++)
		take(&e[i], &ret->v[i]);
	ret->n = n;
	return 0;
}

static int
yubihsm_taken(struct token_log_dev *v, uint16_t number, struct diag *d)
{
	int rc;

	if (v->session == NULL)
		return diag_fail(d, CS_E_HSM_LOG_READ, "a session", "none");
	rc = v->y.set_index(v->session, number);
	return rc == 0 ? 0 : fail(v, rc, CS_E_HSM_LOG_READ, "log index", d);
}

const struct token_log_ops token_log_yubihsm = {
	yubihsm_open,
	yubihsm_room,
	yubihsm_login,
	yubihsm_read,
	yubihsm_taken,
	yubihsm_logout,
	yubihsm_close,
};
